import tgl


RAW = [
    "(messages.getHistory (inputPeerUser 777000 0) 0 0 0 0 0 0 0)",
    "(messages.search 0 (inputPeerEmpty) code (inputMessagesFilterEmpty) 0 0 0 0 0 0 0 0)",
    "(messages.forwardMessages 0 (inputPeerSelf) (vector 1 [ 1 ]) (vector 1 [ 1 ]) (inputPeerSelf))",
    "(messages.translateText 1 (inputPeerSelf) (vector 1 [ 1 ]) de)",
]
refusals = []


def asked(success, answer):
    if success:
        print("HAS", answer)
    refusals.append(answer)
    if len(refusals) == len(RAW):
        print("raw refused", len(refusals))


def listed(success, dialogs):
    print("chats", [dialog["peer"].id for dialog in dialogs])
    try:
        tgl.Peer(tgl.PEER_USER, 777000).get_history(0, 10, lambda success, msgs: print("HAS", msgs) if msgs else print("done"))
    except tgl.PeerError:
        print("done")
    for query in RAW:
        tgl.ext_function(query, asked)


def found(success, msgs):
    print("FOUND" if any(msg.src.id == 777000 for msg in msgs) else "nothing")
    tgl.get_dialog_list(listed)


tgl.set_on_get_difference_end(lambda: tgl.msg_global_search("code", found))
