"""The difference between two versions in words a county officer reads.

Invariant: every aspect and risk that `changes` names has its words here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext

KINDS: Mapping[str, Any] = {
    "added": lazy_gettext("New"),
    "removed": lazy_gettext("No longer asked"),
    "moved": lazy_gettext("Moved"),
    "renamed": lazy_gettext("Renamed"),
    "changed": lazy_gettext("Changed"),
}
NODE_KINDS: Mapping[str, Any] = {
    "group": lazy_gettext("Group"),
    "repeat": lazy_gettext("Repeated group"),
    "question": lazy_gettext("Question"),
}
ASPECTS: Mapping[str, Any] = {
    "name": lazy_gettext("Name"),
    "type": lazy_gettext("Type"),
    "label": lazy_gettext("Words"),
    "hint": lazy_gettext("Hint"),
    "constraint_message": lazy_gettext("Message for an impossible answer"),
    "required_message": lazy_gettext("Message for a missing answer"),
    "flag_text": lazy_gettext("Words of the flag"),
    "relevant": lazy_gettext("Asked only if"),
    "constraint": lazy_gettext("Answers allowed"),
    "required": lazy_gettext("Must be answered"),
    "read_only": lazy_gettext("Read only"),
    "calculate": lazy_gettext("Calculation"),
    "choice_filter": lazy_gettext("Choices offered"),
    "count": lazy_gettext("How many times"),
    "default": lazy_gettext("Begins with"),
    "set_on": lazy_gettext("Worked out when another answer changes"),
    "flag": lazy_gettext("Flag"),
    "followup": lazy_gettext("Follow-up"),
    "prefill": lazy_gettext("Taken from the register"),
    "carry": lazy_gettext("Last time's answer is offered"),
    "safety": lazy_gettext("Safety question, asked afresh"),
    "appearance": lazy_gettext("Appearance"),
    "parameters": lazy_gettext("Parameters"),
    "choice_added": lazy_gettext("New choice"),
    "choice_removed": lazy_gettext("Choice gone"),
    "choice_renamed": lazy_gettext("Choice's name"),
    "choice_label": lazy_gettext("Choice's words"),
    "choice_flag": lazy_gettext("Flag of a choice"),
    "choice_followup": lazy_gettext("Follow-up of a choice"),
    "choice_flag_text": lazy_gettext("Words of a choice's flag"),
    "choice_order": lazy_gettext("Choices in another order"),
    "title": lazy_gettext("Title"),
    "language_added": lazy_gettext("New language"),
    "language_removed": lazy_gettext("Language gone"),
    "use": lazy_gettext("Used for"),
    "style": lazy_gettext("Pages"),
}
RISKS: Mapping[str, Any] = {
    "safety_removed": lazy_gettext("A safety question is no longer asked."),
    "safety_dropped": lazy_gettext("No longer a safety question: an old answer may be taken over."),
    "flag_dropped": lazy_gettext("An answer that raised a flag no longer does, or a weaker one."),
    "type_changed": lazy_gettext("Another type: answers cannot be compared with earlier ones."),
    "carried_answers_lost": lazy_gettext("Last time's answers cannot be offered: the name changed."),
    "language_removed": lazy_gettext("Phones set to this language show another one."),
}
LANGUAGES: Mapping[str, Any] = {"zh": lazy_gettext("Chinese"), "en": lazy_gettext("English")}
