"""The one error catalogue and the one error shape, for phones as JSON and for the desk as a page.

Invariant: every error a person can meet has a code here and a message that says what to do next.
"""

from __future__ import annotations

import errno
import logging
import secrets
from typing import Any

from flask import Flask, Response, g, jsonify, render_template, request
from flask_babel import lazy_gettext
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException

from fieldapp.core import wording

log = logging.getLogger(__name__)

# code: (HTTP status, message). The code is part of the contract with phones; the message is for people.
ERRORS: dict[str, tuple[int, Any]] = {
    "bad_request": (400, lazy_gettext("This request cannot be read. Reload the page and try again.")),
    "body_invalid": (422, lazy_gettext("Some fields are missing or wrong. Correct them and send again.")),
    "sign_in_needed": (401, lazy_gettext("Please sign in again. Nothing you filled in is lost.")),
    "sign_in_wrong": (
        401,
        lazy_gettext("The account or the password is not right. Check both and try again."),
    ),
    "account_locked": (423, lazy_gettext("Too many wrong attempts. Try again in %(minutes)s minutes.")),
    "too_many_requests": (
        429,
        lazy_gettext("Too many attempts in a short time. Wait a minute and try again."),
    ),
    "wrong_account": (
        409,
        lazy_gettext("Another account is signed in on this phone. Sign in again with yours."),
    ),
    "csrf_stale": (400, lazy_gettext("This page has been open for a long time. Reload it and try again.")),
    "wrong_role": (403, lazy_gettext("Your account may not do this. Ask your supervisor who can.")),
    "use_desk": (
        403,
        lazy_gettext("This app is for grid workers. Please use the desk on this site's home page."),
    ),
    "hand_in_only": (
        403,
        lazy_gettext("Here you can only hand in what this phone still holds; everything else is closed."),
    ),
    "pin_code_wrong": (
        422,
        lazy_gettext("This code is not right or no longer good. Ask your supervisor for a new one."),
    ),
    "phone_key_unreadable": (
        422,
        lazy_gettext(
            "The key of this phone cannot be opened here. Keep the phone as it is and call the security administrator."
        ),
    ),
    "not_found": (404, lazy_gettext("There is nothing here, or it is outside your area.")),
    "attachment_removed": (
        410,
        lazy_gettext("This photo or file was removed: it was older than the time for which they are kept."),
    ),
    "method_wrong": (405, lazy_gettext("This address does not answer that kind of request.")),
    "range_wrong": (416, lazy_gettext("The file has no such part. Reload the page and try again.")),
    "too_large": (413, lazy_gettext("This is too large. The limit is %(limit)s.")),
    "not_ready": (
        503,
        lazy_gettext("The service is starting or its storage does not answer. Try again shortly."),
    ),
    "storage_full": (
        507,
        lazy_gettext(
            "The server has no room left. Nothing is lost: it will be taken once there is room again."
        ),
    ),
    "unexpected": (
        500,
        lazy_gettext(
            "Something went wrong on our side. Nothing you sent is lost. Quote number %(error_id)s."
        ),
    ),
    # attachments
    "photo_hash_wrong": (422, lazy_gettext("The file arrived incomplete. It will be sent again.")),
    "attachment_empty": (422, lazy_gettext("This file is empty. Choose it again, or make it anew.")),
    "photo_unreadable": (422, lazy_gettext("This photo is damaged and cannot be opened. Take it again.")),
    "photo_too_many_pixels": (
        413,
        lazy_gettext("This photo has too many pixels. Take it again with a smaller size."),
    ),
    # operations from a phone
    "kind_unknown": (
        422,
        lazy_gettext("The server does not know this kind of record yet. It was kept for the office."),
    ),
    "schema_unknown": (
        422,
        lazy_gettext("This app version is newer than the server. The record was kept for the office."),
    ),
    "op_changed": (
        409,
        lazy_gettext("The same number was used for another content. Both were kept for the office."),
    ),
    "visit_exists": (
        409,
        lazy_gettext("This visit is here already with another content. Both were kept for the office."),
    ),
    "record_exists": (
        409,
        lazy_gettext("This is on the list already with another content. Both were kept for the office."),
    ),
    "fields_changed": (
        409,
        lazy_gettext("This was changed in the meantime. Both were kept; the office chooses what is right."),
    ),
    "not_yours": (
        403,
        lazy_gettext("The server could not place this record in your area. It was kept for the office."),
    ),
    "checklist_version_unknown": (
        422,
        lazy_gettext(
            "This checklist is not known to the server. Open the record again with the current one."
        ),
    ),
    "answers_too_large": (
        413,
        lazy_gettext("This record holds more text than the server accepts. Shorten it and send again."),
    ),
    "base_outdated": (
        409,
        lazy_gettext("This visit was changed in the meantime. Both were kept; the office will compare them."),
    ),
    "state_wrong": (
        409,
        lazy_gettext("This was already dealt with: it is now “%(state)s”. Reload to see it."),
    ),
    "prerequisite_waiting": (
        409,
        lazy_gettext("An earlier record that this one builds on has to be settled first."),
    ),
    "refused_by_office": (409, lazy_gettext("The office does not take this in: %(reason)s")),
    "server_busy": (503, lazy_gettext("The server is busy. The record will be sent again by itself.")),
    # a phone's file at the desk
    "handover_unknown": (
        422,
        lazy_gettext(
            "This is not a file that the phone app made. On the phone, “To send” makes one: its name ends in .fieldapp."
        ),
    ),
    "handover_version": (
        422,
        lazy_gettext(
            "This file is from another version of the app than this server knows. Keep it, and have the server updated."
        ),
    ),
    "handover_damaged": (
        422,
        lazy_gettext(
            "This file is damaged at its beginning. Copy it from the phone once more, or make a new one there."
        ),
    ),
    "handover_elsewhere": (
        422,
        lazy_gettext(
            "This file cannot be opened here: it was made for another server, or it is damaged. Make a new one on the phone."
        ),
    ),
    # rosters to import
    "roster_empty": (422, lazy_gettext("There is nothing in this file below the names of its columns.")),
    "roster_unknown": (
        422,
        lazy_gettext(
            "This is neither an Excel workbook nor a CSV file. Save the list as .xlsx and choose that."
        ),
    ),
    "roster_old": (
        422,
        lazy_gettext(
            "This workbook has Excel's old format (.xls) or a password. Save it as .xlsx without a password and choose that."
        ),
    ),
    "roster_damaged": (
        422,
        lazy_gettext(
            "This file is damaged or not what its name says. Save it again in Excel and choose that."
        ),
    ),
    "roster_macros": (
        422,
        lazy_gettext("This workbook contains macros. Save it as .xlsx, which holds none, and choose that."),
    ),
    "roster_too_large": (
        413,
        lazy_gettext(
            "This workbook unpacks to far more than a list of people needs. Copy the rows into a new one."
        ),
    ),
    "roster_too_many_rows": (
        413,
        lazy_gettext(
            "This file has more than %(limit)s rows. Divide it and bring the parts in one after the other."
        ),
    ),
    "column_missing": (422, lazy_gettext("Say which column holds the names of the people.")),
    "column_twice": (
        422,
        lazy_gettext("Two columns are said to hold the same. Let one of them be left out."),
    ),
    "import_refused": (
        409,
        lazy_gettext("Some rows cannot be imported: mend them in the file, or import the good rows only."),
    ),
    "import_nothing": (409, lazy_gettext("There is nothing to write: no row adds or changes anything.")),
    "import_forgotten": (
        409,
        lazy_gettext("The rows of this import were erased after 90 days: it can no longer be taken back."),
    ),
    "import_state_wrong": (
        409,
        lazy_gettext("This import has moved on in the meantime. Reload the page to see where it is."),
    ),
    # weeks of the report
    "cut_not_ahead": (
        409,
        lazy_gettext("A week that is over never moves. Choose the running week or one to come."),
    ),
    "cut_same": (409, lazy_gettext("Weeks end then already. Nothing was changed.")),
    # lists of payments
    "payments_no_area": (
        403,
        lazy_gettext("Your account has no area, so nobody on this list could be found. Ask your county."),
    ),
    "payments_known": (
        409,
        lazy_gettext(
            "This very file is payment list no. %(number)s already. Open that one; if it was wrong, take it back there first."
        ),
    ),
    "payments_state_wrong": (
        409,
        lazy_gettext("The list has gone on meanwhile. Reload the page to see where it is."),
    ),
    "payment_columns_missing": (
        422,
        lazy_gettext("Say which column holds the amount, and which one the ID number or the name."),
    ),
    "payment_terms_missing": (
        422,
        lazy_gettext(
            "Choose programme, who pays, month and day for the whole list, or say which columns hold them."
        ),
    ),
    "payments_nothing": (
        409,
        lazy_gettext("There is nothing to take in: no row is good, and none was taken by hand."),
    ),
    "payments_nothing_taken": (409, lazy_gettext("Nothing of this list is in the books.")),
    "payments_reversed": (
        409,
        lazy_gettext(
            "%(number)s entries of this list were taken back one by one already. Tick that they stay as they are, "
            "and the others are taken back."
        ),
    ),
    "payments_of_relative": (
        403,
        lazy_gettext("A payment to a near relative of yours is in this list. Let a colleague take it back."),
    ),
    "payments_forgotten": (
        409,
        lazy_gettext(
            "The rows of this list were erased. Take single entries back on the pages of the households."
        ),
    ),
    "payment_decided": (
        409,
        lazy_gettext("This row is in the books already, or of a kind that is never taken in."),
    ),
    "payment_choice_missing": (422, lazy_gettext("Choose who of them was paid.")),
    "payment_changed": (
        409,
        lazy_gettext(
            "This row would be entered twice, or something has changed since. Compare the list again to see how it stands."
        ),
    ),
    # sweeps
    "list_columns_missing": (
        422,
        lazy_gettext(
            "No column of names or ID numbers was found. Write 姓名 or 身份证号 above it, and choose the file again."
        ),
    ),
    "sweep_empty": (422, lazy_gettext("Nobody is on this list, so there is nothing to open.")),
    "sweep_state_wrong": (
        409,
        lazy_gettext("This sweep has moved on in the meantime. Reload the page to see where it is."),
    ),
    "screening_state_wrong": (
        409,
        lazy_gettext("A sweep was made of this list already. Throw its draft away first, if there is one."),
    ),
    "days_wrong": (
        422,
        lazy_gettext(
            "The last day must not lie before the first, and at most %(most)s days are entered in one go."
        ),
    ),
    # aid
    "own_relative": (
        403,
        lazy_gettext("This is about a near relative you declared. Ask a colleague or the county to do it."),
    ),
    "aid_of_case": (
        409,
        lazy_gettext("This is a payment of temporary relief. Take it back on the page of the case."),
    ),
    "aid_reported": (
        409,
        lazy_gettext(
            "The week it counts in was reported. Ask your supervisor to take it back at the office."
        ),
    ),
    # relief
    "agent_needed": (422, lazy_gettext("Write who asks in their place, and on whose word.")),
    "amount_wrong": (
        422,
        lazy_gettext("This amount cannot be: check it against what was approved and paid, and who pays."),
    ),
    "relief_above_limit": (
        403,
        lazy_gettext("This amount is above the limit of the township. The county decides it."),
    ),
    "relief_handled": (
        403,
        lazy_gettext(
            "You handled this case, so somebody else decides it: the leader, the deputy or the county."
        ),
    ),
    "relief_approver": (403, lazy_gettext("You approved this case, so somebody else pays it.")),
    "papers_missing": (
        409,
        lazy_gettext("The aid came first: note that the papers are complete, then close the case."),
    ),
    "fund_too_small": (
        409,
        lazy_gettext(
            "The reserve fund does not hold so much. Choose public funds, or ask the county to top it up."
        ),
    ),
    "entry_reversed": (409, lazy_gettext("This entry was taken back already.")),
    "deputy_days_wrong": (
        422,
        lazy_gettext(
            "The last day lies before the first or is over, or it is longer than a year. Check the days."
        ),
    ),
    "deputy_named": (
        409,
        lazy_gettext("For some of these days somebody is named already. Take that back first."),
    ),
    "day_in_future": (422, lazy_gettext("This day is still to come. Check the date.")),
    "aid_settled": (
        409,
        lazy_gettext("Somebody has settled this in the meantime. Reload to see what became of it."),
    ),
    # reviews
    "claimed": (
        409,
        lazy_gettext(
            "%(name)s is looking at this visit just now. It is free again ten minutes after it was opened."
        ),
    ),
    "not_clean": (409, lazy_gettext("There is something to see in it: open it.")),
    "threshold_wrong": (422, lazy_gettext("Write a number from %(least)s to %(most)s.")),
    "policy_changed": (
        409,
        lazy_gettext(
            "Somebody else has set this in the meantime. Look at what holds now, and save again if it is to change."
        ),
    ),
    # desk
    "operation_settled": (
        409,
        lazy_gettext("Somebody has settled this in the meantime. Look at what became of it."),
    ),
    "own_entry": (
        403,
        lazy_gettext("You typed this visit yourself, so somebody else decides on it."),
    ),
    "worker_not_there": (
        422,
        lazy_gettext(
            "This worker was not in charge of the household's grid on that day. Check worker and date."
        ),
    ),
    "visit_in_future": (422, lazy_gettext("The visit lies in the future. Check its date and time.")),
    "visit_too_old": (
        422,
        lazy_gettext("A visit of more than a year ago is not entered any more. Check its date."),
    ),
    "visit_changed": (
        409,
        lazy_gettext(
            "This visit was changed in the meantime. Open it again; what you typed here stays until then."
        ),
    ),
    "people_to_choose": (
        422,
        lazy_gettext("Say who each person is, each of them once, or leave that part out."),
    ),
    "fields_to_choose": (422, lazy_gettext("Choose for each of them which one is right.")),
    "own_account": (409, lazy_gettext("You cannot end your own account. Ask another administrator.")),
    "account_ended": (409, lazy_gettext("This account is ended; its areas stay as they were.")),
    "area_unknown": (422, lazy_gettext("There is no area with this code. Check the digits.")),
    "area_code_wrong": (
        422,
        lazy_gettext("A village has 12 digits, the first nine those of its township. Check the code."),
    ),
    "area_taken": (409, lazy_gettext("There is an area with this code already. Choose another one.")),
    "grids_needed": (422, lazy_gettext("Choose at least one grid for the new village.")),
    "grids_used_up": (409, lazy_gettext("There have been 999 of them here; there is no number left.")),
    "successor_needed": (
        422,
        lazy_gettext("Somebody still lives here. Choose the grid or unit that takes them, then end it."),
    ),
    "area_held": (409, lazy_gettext("The account has this area already.")),
    "exit_paused": (
        409,
        lazy_gettext(
            "“%(name)s” pauses reviews of and exits from dibao and destitute support. Who must go on says why."
        ),
    ),
    "merged_meanwhile": (
        409,
        lazy_gettext("This entry was merged into another meanwhile. Open the list of duplicates again."),
    ),
    "merge_outdated": (
        409,
        lazy_gettext("One of the two was changed meanwhile. Compare them again, then merge."),
    ),
    "merge_same": (409, lazy_gettext("These are one and the same entry already.")),
    "merge_other_grid": (
        409,
        lazy_gettext("These households are in two grids. First move one of them into the other's grid."),
    ),
    "merge_not_undone": (
        409,
        lazy_gettext(
            "What was merged cannot be parted exactly any more; the page says what stands in the way."
        ),
    ),
    "period_over": (409, lazy_gettext("This period is over already.")),
    "incident_answered": (
        409,
        lazy_gettext(
            "Somebody else has answered for this in the meantime. Reload to see who and what they do."
        ),
    ),
    "referral_waits": (
        409,
        lazy_gettext(
            "This task is referred already. Write down what that body answered, then refer it again."
        ),
    ),
    "referral_settled": (
        409,
        lazy_gettext("What this body answered is written down already. Reload to see it."),
    ),
    "shift_over": (409, lazy_gettext("This shift is over or was taken out already.")),
    # reports
    "week_not_over": (
        409,
        lazy_gettext("This week is not over yet. Its figures can be confirmed after its last day."),
    ),
    "report_locked": (
        409,
        lazy_gettext("The city has sent this week already: it is locked. The city can issue a correction."),
    ),
    "report_changed": (
        409,
        lazy_gettext(
            "The figures have changed since you opened the page. Look at them once more, then confirm."
        ),
    ),
    "report_not_confirmed": (
        409,
        lazy_gettext("These figures are not confirmed, so they cannot be given back."),
    ),
    "report_not_sent": (409, lazy_gettext("This week was not sent yet. Send it first.")),
    "nothing_to_correct": (
        409,
        lazy_gettext("Nothing has changed since the last sheet, so there is nothing to correct."),
    ),
    "reason_needed": (422, lazy_gettext("Write a reason, so that the other side knows what to do.")),
    "assignee_outside": (422, lazy_gettext("This person does not work in that area. Choose another one.")),
    "assignee_kept_out": (
        422,
        lazy_gettext(
            "Somebody else has to look: not whoever made or typed the visit, nor a near relative. Choose another one."
        ),
    ),
    "revisit_open": (
        409,
        lazy_gettext("A re-visit is closed where both visits stand side by side. Open the comparison."),
    ),
    "somebody_else_decides": (
        403,
        lazy_gettext(
            "You did this yourself, or somebody there is a near relative of yours, so somebody else decides: %(names)s."
        ),
    ),
    "revisit_exists": (
        409,
        lazy_gettext("Somebody looks, or has looked, at this visit again already. Open the re-visit."),
    ),
    "revisit_kept_out": (
        403,
        lazy_gettext(
            "You made or typed one of the two visits, or somebody there is a near relative of yours: another supervisor "
            "or the county's officer decides."
        ),
    ),
    "assignee_relative": (
        422,
        lazy_gettext("This person is declared a near relative of somebody there. Choose another one."),
    ),
    "partner_needed": (422, lazy_gettext("Two have to go together. Name the second one, too.")),
    "registry_needed": (
        422,
        lazy_gettext("First write down who answers for this checklist and why it is needed."),
    ),
    "table_name_taken": (409, lazy_gettext("You have a table of that name already. Choose another one.")),
    "outside_own_area": (403, lazy_gettext("This belongs to an area above or beside yours. Ask its office.")),
    "version_was_published": (
        409,
        lazy_gettext("This version was published: phones may hold it, so it stays. Retire it instead."),
    ),
}


# What the system says when a disk, or an account's share of it, is full.
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})


class AppError(Exception):
    """An error from the catalogue; `fields` names what is wrong where, `params` fill the message."""

    def __init__(self, code: str, *, fields: dict[str, str] | None = None, **params: object) -> None:
        super().__init__(code)
        self.code = code
        self.fields = fields or {}
        self.params = params

    @property
    def status(self) -> int:
        """The HTTP status of this error."""
        return ERRORS[self.code][0]

    @property
    def message(self) -> str:
        """The message in the reader's language."""
        return message_of(self.code, **self.params)


def message_of(code: str, **params: object) -> str:
    """The catalogue's message for `code` in the reader's language."""
    if "state" in params:
        params["state"] = wording.say_state(str(params["state"]))
    return str(ERRORS[code][1]) % params if params else str(ERRORS[code][1])


def wants_json() -> bool:
    """Whether the caller is a phone (or another program) rather than a page."""
    return request.path.startswith("/api/") or request.path in {"/healthz", "/readyz"}


def answer(error: AppError) -> tuple[Response | str, int]:
    """The error as its one JSON shape, or as a page of the desk."""
    if wants_json():
        body = {"error": {"code": error.code, "message": error.message, "fields": error.fields}}
        return jsonify(body), error.status
    return render_template("core/error.html", error=error), error.status


_BY_STATUS = {
    400: "bad_request",
    401: "sign_in_needed",
    403: "wrong_role",
    404: "not_found",
    405: "method_wrong",
    416: "range_wrong",
    429: "too_many_requests",
}


def init_app(app: Flask) -> None:
    """Answer every error of `app` in the one shape."""

    @app.errorhandler(AppError)
    def known(error: AppError) -> tuple[Response | str, int]:
        return answer(error)

    @app.errorhandler(CSRFError)
    def csrf(_error: CSRFError) -> Response | tuple[Response | str, int]:
        if request.headers.get("HX-Request"):
            # What was typed stays where it is: the page fetches a token that is good and sends it again.
            return Response("", 400, {"HX-Reswap": "none", "HX-Trigger": "token-stale"})
        return answer(AppError("csrf_stale"))

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> Response | tuple[Response | str, int]:
        if error.code is not None and error.code < 400:
            return error.get_response()  # type: ignore[return-value]
        if error.code == 413:
            limit = request.max_content_length or 0
            return answer(AppError("too_large", limit=f"{limit // 1_000_000} MB"))
        if error.code is None or error.code >= 500:
            return unexpected(error)
        return answer(AppError(_BY_STATUS.get(error.code, "bad_request")))

    @app.errorhandler(OperationalError)
    def busy(error: OperationalError) -> tuple[Response | str, int]:
        # Locked for longer than we wait, or away: nothing was written, and trying again is the right thing to do.
        g.failed = True
        log.warning("database busy or away: %s %s", request.method, request.path, exc_info=error)
        return answer(AppError("not_ready"))

    @app.errorhandler(OSError)
    def system(error: OSError) -> tuple[Response | str, int]:
        if error.errno not in NO_ROOM:
            return unexpected(error)
        g.failed = True
        log.error("no room left: %s %s: %s", request.method, request.path, error)
        return answer(AppError("storage_full"))

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> tuple[Response | str, int]:
        error_id = secrets.token_hex(4)
        # Whatever failed, a database perhaps: the page that says so asks nothing of the features.
        g.failed = True
        log.exception("error %s: %s %s", error_id, request.method, request.path, exc_info=error)
        return answer(AppError("unexpected", error_id=error_id))
