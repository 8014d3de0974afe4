# Counts what comes, and may do nothing else.
# /// tglhost
# calls = ["read"]
# chats = ["users"]
# ///
import tgl

count = 0


def heard(msg):
    global count
    if not msg.out:
        count += 1
        print("message", count, "from", msg.src.name)


tgl.set_on_msg_receive(heard)
