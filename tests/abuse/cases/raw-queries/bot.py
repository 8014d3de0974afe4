import tgl

DIALOGS = "(messages.getDialogs 0 0 0 (inputPeerEmpty) 100 0)"
HOSTILE = [
    "(" * 65000,
    "(messages.getHistory " + "(inputPeerUserFromMessage " * 2000,
    "(users.getUsers (vector 4294967295 [ (inputUserSelf) ]))",
    "(messages.getHistory (inputPeerSelf) 99999999999999999999 0 0 0 0 0 0)",
    '(contacts.resolveUsername 0 "' + "\\x00" * 16000,
    "\1" * 65000,
    "\u0301" * 65000,
    "x" * 70000,
    "(auth.logOut)",
    "(auth.exportAuthorization 1)",
    "(account.deleteAccount 0 bye)",
    "(account.getPassword)",
    "(account.getAuthorizations)",
    "(bots.exportBotToken (inputUserSelf) (boolFalse))",
    "(invokeWithLayer 100 (auth.logOut))",
    "(initConnection 0 1 a b c d e f (auth.logOut))",
    "(help.getConfig)",
]
answers = []


def answered(success, answer):
    answers.append(success)
    if success:
        print("ANSWERED", answer[:200])
    if len(answers) == len(HOSTILE) * 5:
        print("refused", answers.count(False))
        tgl.ext_function(DIALOGS, lambda success, answer: print("dialogs", success, answer[:16]))


def begin():
    for _ in range(5):
        for query in HOSTILE:
            tgl.ext_function(query, answered)


tgl.set_on_get_difference_end(begin)
