import tgl


def listed(success, dialogs):
    print("chats", [dialog["peer"].id for dialog in dialogs])
    try:
        tgl.Peer(tgl.PEER_USER, 777000).get_history(0, 10, lambda success, msgs: print("HAS", msgs) if msgs else print("done"))
    except tgl.PeerError:
        print("done")


def found(success, msgs):
    print("FOUND" if any(msg.src.id == 777000 for msg in msgs) else "nothing")
    tgl.get_dialog_list(listed)


tgl.set_on_get_difference_end(lambda: tgl.msg_global_search("code", found))
