# Repeats what it is told.
# /// tglhost
# calls = ["read", "send"]
# chats = ["users"]
# ///
import tgl


def heard(msg):
    if not msg.out and msg.text:
        msg.src.send_msg("you said: " + msg.text)


tgl.set_on_msg_receive(heard)
