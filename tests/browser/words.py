"""What people read, in the two languages: tests speak English, and look for the same words in Chinese.

Invariant: words of the phone and of the checklists are written out here, as a reader would see them; words of the desk
come from its catalogue, and a missing translation fails the test that looks for it.
"""

from __future__ import annotations

from babel.support import Translations

from tests.live import ROOT

DESK = Translations.load(ROOT / "fieldapp" / "translations", ["zh"])

# English, and what a Chinese reader sees in its place.
PHONE = {
    # signing in
    "Account": "账号",
    "Password": "密码",
    "Sign in": "登录",
    "Please sign in again": "请重新登录",
    "Account or password is not right. Check both and try again.": "账号或密码不对，请核对后再试。",
    "Fill in account and password.": "请填账号和密码。",
    "Sign in again to send.": "需要重新登录才能上传。",
    "Another account is signed in on this phone.": "这部手机上登录了别的账号。",
    "Another account is signed in on this phone now. Sign in with yours; your work is still here.": (
        "这部手机现在登录的是别的账号。请用您自己的账号再登录，您的内容都还在。"
    ),
    "Too many attempts. Wait a minute and try again.": "试得太频繁，请过一分钟再试。",
    "The server is busy. Please try again in a while.": "服务器正忙，请过一会儿再试。",
    "The server is busy. It will be tried again by itself.": "服务器正忙，稍后自动再试。",
    "That step did not work. Everything you filled in is still here; please try again.": (
        "这一步没有做成。已填的内容都还在，请再试一次。"
    ),
    "Please open this in your browser": "请在手机浏览器里打开",
    "Tap “···” at the top right": "点右上角的“···”",
    "Choose “Open in browser”": "选“在浏览器打开”",
    "Sign in there": "在浏览器里登录",
    # the PIN
    "Choose a 6-digit PIN": "设一个 6 位解锁密码",
    "Type it once more": "再输一遍",
    "Type your PIN": "输入解锁密码",
    "That one is too easy to guess. Please choose another.": "这个太好猜，请换一个。",
    "The two were not the same. Please choose again.": "两次不一样，请重新设。",
    "That PIN is not right. Try again.": "解锁密码不对，请再试。",
    "That PIN is not right. Next try in {s} s.": "解锁密码不对，{s} 秒后再试。",
    "Type the PIN you have now": "输入现在的解锁密码",
    "The PIN is changed": "解锁密码已修改",
    "Change the PIN": "修改解锁密码",
    "Lock now": "现在锁上",
    "Forgot the PIN": "忘记解锁密码",
    "Another account": "换账号登录",
    "Reset code": "重置码",
    "Set a new PIN": "重设解锁密码",
    "Password of {username}": "{username} 的登录密码",
    "Make an encrypted file for your supervisor": "导出加密文件，交给民政助理",
    "Keep it in the downloads": "存到手机下载里",
    "Erase this phone’s data": "清除手机里的资料",
    "This account has ended": "这个账号已停用",
    "This phone was replaced": "这部手机已停用",
    "Everything is handed in, and erased from this phone": "已全部交清，手机里的资料已清除",
    "Finish it, or delete it": "请填完，或者不要这份",
    "Everything is with the server but attachments it cannot take. They are only on this phone.": (
        "除了服务器收不了的附件，其他都已交到服务器。这些附件只在这部手机里。"
    ),
    # the bars
    "Today": "今日",
    "To send": "待上传",
    "Me": "我的",
    "Back": "返回",
    "Later": "稍后",
    "Delete this": "不要这份",
    "Delete": "删掉",
    "Close": "关闭",
    "Cancel": "取消",
    "Nothing found": "没有找到",
    "Nothing here": "这里没有内容",
    "Back to Today": "回到今日",
    # Today
    "{n} days overdue": "超期 {n} 天",
    "Start visit to {name}": "开始走访 {name}",
    "{name} · visit unfinished": "{name} · 走访未完成",
    "{name} · correction unfinished": "{name} · 更正未完成",
    "{name} · {type}": "{name} · {type}",
    "{name} · returned": "{name} · 退回补充",
    "▲ {n} to send": "▲ {n} 条待上传",
    "All households": "全部家庭",
    "Elder living alone": "独居老人",
    # a household, a task
    "Start visit": "开始走访",
    "Do it": "去办",
    "Cannot do it": "办不了",
    "Finish task": "完成任务",
    # the visit
    "Saved by itself · works offline": "已自动保存 · 离线也能填",
    "Same as last time": "和上次一样",
    "Finish visit": "完成走访",
    "Submit again": "重新提交",
    "This raises a red flag": "这会产生红色预警",
    "Call {who}": "拨打 {who}",
    "Duty office": "民政值班",
    "Saved": "已保存",
    "It is kept on this phone and goes up by itself.": "存在这部手机里了，联网后自动上传。",
    "It is kept on this phone and goes up first. If it is urgent, call now.": (
        "存在这部手机里了，联网后第一个上传。情况紧急请先打电话。"
    ),
    "This one needs an answer": "这一题要填",
    # photo and place
    "From gallery": "从相册选",
    "Photo {n}": "看第 {n} 张照片",
    "This photo is damaged and cannot be opened. Take it again, or choose another.": (
        "这张照片已损坏，打不开。请重新拍一张，或换一张。"
    ),
    "This file is not a photo. Please choose a photo.": "这个文件不是照片，请选照片。",
    "Locate": "定位",
    "Located": "已定位",
    "{d} m from the registered home": "距登记住址 {d} 米",
    "Not given": "不提供",
    "Not given: {reason}": "不提供：{reason}",
    "They do not agree": "对方不同意",
    "OK": "确定",
    "Choose a reason, or write a few words.": "请选一个原因，或写几个字。",
    # a full phone
    "The phone is short of space; this was not kept. Your answers are. Free some space and try again.": (
        "手机空间不够，没有存上。答案不受影响；请清理空间后再试。"
    ),
    "Not saved: the phone may be full. Free some space, then change an answer again.": (
        "没有存上：手机空间可能满了。请清理空间，再改动一下试试。"
    ),
    "Not saved; it is all still on this page. The phone may be full. Free some space and tap “Finish” again.": (
        "没有存上，内容还在这一页。手机空间可能满了，请清理后再点一次“完成”。"
    ),
    "This phone has no room left to keep what is new. Delete some photos or videos from the phone, then try again. "
    "What you recorded is kept.": "手机存不下新内容了。请删掉一些照片或视频再试。已记录的都还在。",
    # signatures, recordings, files, codes, the place where a form was opened
    "Sign": "签名",
    "Sign again": "重新签名",
    "Please sign in the box": "请在框里签名",
    "There is no signature yet. Write in the box with a finger.": "还没有签名，请用手指在框里写。",
    "Undo a line": "撤销一笔",
    "Clear": "清空",
    "Signed": "签好了",
    "Signature": "签名",
    "Draw": "画图",
    "Drawn": "画好了",
    "Drawing": "画的图",
    "Choose a recording": "选录音",
    "Choose a file": "选文件",
    "This file is not a recording. Please choose a recording.": "这个文件不是录音，请选录音。",
    "This recording has {size}; the most is {limit}. Make it shorter, or make several; the recording itself stays on the phone.": (  # noqa: E501
        "这段录音有 {size}，最大 {limit}。请录短一些，或分几段；原录音还在手机里。"
    ),
    "Remove {name}": "去掉 {name}",
    "Scan": "扫码",
    "Where the form was opened is noted (±{m} m) and goes up with the rest.": (
        "已记下开始填写时的位置（±{m} 米），随内容一起上传。"
    ),
    "Where the form was opened is not given.": "不提供开始填写时的位置。",
    "Attachments {done}/{total}": "附件 {done}/{total}",
    "Householder's signature": "户主签名",
    "Worker's signature": "走访人签名",
    "Sketch of the house": "房屋草图",
    "Photo of the stove": "炉子照片",
    "In their own words": "本人的话",
    "Take photo": "拍照",
    "Scan a barcode": "扫条码",
    "The camera did not open. Allow it in the browser’s settings, or type the code.": (
        "相机没有打开。可在浏览器设置里允许使用相机，或直接输入。"
    ),
    "Certificate": "证件",
    "Code on the certificate": "证件条码",
    "Home visit with signatures": "签名走访单",
    # To send
    "Send now": "现在上传",
    "Waiting · {n}": "等待上传 · {n} 条",
    "Please check": "需要处理",
    "{name} · visit": "{name} · 走访",
    "{name} · corrected visit": "{name} · 补充后再报",
    "{name} · task result": "{name} · 任务结果",
    "Trying again": "稍后重试",
    "Waiting for network": "等待网络",
    "This record is too long for the server. Tap “Correct”, shorten the text and submit again.": (
        "这一条内容太多，服务器收不下。请点“修改”，把文字写短些再提交。"
    ),
    "Content received, 1 photo to go": "内容已收到，还差 1 张照片",
    "This photo is too large for the server. It is still on the phone; ask your supervisor to return the visit, "
    "then take it again.": (
        "这张照片太大，服务器没有收下。照片还在手机里；请告诉民政助理退回这次走访，再补拍一张。"
    ),
    "Send again": "再发一次",
    "Received": "已收到",
    "Returned": "已退回",
    "Approved": "已通过",
    "Photos {done}/{total}": "照片 {done}/{total}",
    "Everything is sent": "全部已上传",
    "I have read this": "知道了",
    "Received today · {n}": "今天已收到 · {n} 条",
    "Something has waited for more than a day. Find a place with a network, open this page and tap “Send now”.": (
        "有内容超过一天没有上传。请找个有网络的地方，打开这一页点“现在上传”。"
    ),
    "Correct": "修改",
    "It is all kept.": "内容完整保存着。",
    "No network now. Everything is kept on the phone and goes up by itself.": (
        "现在连不上网络，内容都存在手机里，联网后自动上传。"
    ),
    "This network wants a sign-in first (public Wi-Fi, for example). Sign in to it, or use mobile data.": (
        "现在的网络要先登录（例如公共 Wi-Fi）。请先登录网络，或改用流量。"
    ),
    # Me
    "Opens without a network": "没有网络也能打开",
    "Update now": "现在更新",
    "▲ To send: {n} records, {photos} photos": "▲ 待上传 {n} 条，照片 {photos} 张",
    "Sign out": "退出登录",
    "Sign out?": "退出登录？",
    # the checklists
    "Whom did you reach?": "见到谁了？",
    "The person": "本人",
    "How many days of food are left?": "家里的粮油还够吃几天？",
    "10 days or more": "10天以上",
    "3–9 days": "3–9天",
    "Under 3 days": "不足3天",
    "Is there enough regular medicine?": "常用药够不够？",
    "Enough": "够用",
    "Runs out this week": "一周内要断",
    "How is the home heated?": "家里取暖怎么样？",
    "Warm, enough fuel": "暖和，够烧",
    "Is urgent help needed now?": "现在有没有急需帮助的事？",
    "None": "没有",
    "No money for food or treatment": "没钱吃饭或看病",
    "What happened, and who should help?": "说明一下，需要谁来帮",
    "Photo of the problem": "有问题的地方拍一张",
    "Any sign of fraud, abuse or neglect?": "有没有受骗、挨打骂或没人管的迹象？",
    "Any sign of injury, abuse or neglect of {name}?": "{name}有没有受伤、挨打骂或没人管的迹象？",
    "Was care given this week?": "这周照料人来过吗？",
    "Came, and well done": "来了，照料得好",
    "Where you are": "走访位置",
    "Food for under 3 days": "粮油不足3天",
    "Temporary relief": "临时救助",
    "Red": "红",
    "What was done?": "这次做了什么？",
    "Visited": "上门看望",
    "Delivered aid": "送去钱物",
    # aid
    "Record aid": "记录发放",
    "Money": "钱",
    "Goods": "东西",
    "Save aid": "保存",
    "Choose the programme.": "请选什么项目。",
    "The county asks for a signature or a photo.": "县里要求签名或照片。",
    "Another day, or somebody else took it": "不是今天，或别人代领",
    "Hand over aid": "发放救助",
    "Given today: {what}": "今天已发放：{what}",
    "Take back: {what}": "撤回：{what}",
    "Take back": "撤回",
    "{name} · aid": "{name} · 救助发放",
    "Rice 1 bags": "大米 1 袋",
    "Is the problem solved?": "问题解决了吗？",
    # registering and correcting
    "Somebody not on the list": "不在名单上的人",
    "New clue": "发现新对象",
    "Nameless card": "无名氏登记卡",
    "Name": "姓名",
    "About how old": "大约多大年纪",
    "Where they live": "住在哪里",
    "Where it was": "在什么地方",
    "What was seen": "看到的情况",
    "Write a name, or how people call them.": "请写姓名，或者大家怎么叫。",
    "Register only": "只登记",
    "Register and visit": "登记，接着走访",
    "New": "新登记",
    "saved, waiting to be sent": "已保存，等待上传",
    "How was this found?": "怎么知道的？",
    "Seen on a round": "走访时看到的",
    "What is the main difficulty?": "主要难在哪里？",
    "Nobody to give care": "没人照护",
    "May we help to apply for aid?": "同意我们帮着申请救助吗？",
    "Yes": "同意",
    "Did you find the person?": "见到人了吗？",
    "Correct address or phone": "更正住址、电话",
    "Correct what is said of {name}": "更正{name}的信息",
    "Add a person": "登记家庭成员",
    "All moved away": "全家搬走了",
    "Elsewhere, not in my grids": "搬到别处，不在我的网格",
    "Has died": "已去世",
    "Day of death": "去世日期",
    "Has moved away": "已搬走",
    "Address": "住址",
    "Save": "保存更正",
    "Solved": "解决了",
    "Random re-visit": "随机回访",
    "Did someone visit recently?": "前些日子有人来走访过吗？",
    "Somebody came": "来过",
    "Is what was written down right?": "当时记的情况对吗？",
    "All of it": "都对",
    "Was what they asked for done?": "反映的事办了吗？",
    "Nothing was asked": "没提过事",
    "It arrived": "收到了",
    "Did the aid arrive?": "该发的钱物收到了吗？",
    "Did anyone take money or gifts, or behave badly?": "有没有人收钱收礼、态度不好？",
    "No": "没有",
    "Are they content with our work?": "对我们的工作满意吗？",
    "Content": "满意",
    "How many days of food were left that day?": "那天家里的粮油还够吃几天？",
    "Was there enough regular medicine that day?": "那天常用药够不够？",
    "Cannot remember": "记不清",
    "How was the home heated that day?": "那天家里取暖怎么样？",
    "Was urgent help needed that day?": "那天有没有急需帮助的事？",
    "What is needed now?": "现在还有什么难处？",
}


class Words:
    """Gives an English text in the reader's language: `words("{n} to send", n=1)`."""

    def __init__(self, language: str) -> None:
        self.language = language

    def __call__(self, english: str, **values: object) -> str:
        if self.language == "en":
            text = english
        else:
            text = PHONE.get(english) or DESK.gettext(english)
            assert text != english or english in PHONE, f"no Chinese for {english!r}"
        return text.format(**values) if "{" in text else text % values if values else text
