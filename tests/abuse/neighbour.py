# Answers each message with its text.
# /// tglhost
# calls = ["read", "send"]
# chats = ["users"]
# ///
import tgl


def heard(msg):
    if not msg.out:
        msg.src.send_msg(msg.text)


tgl.set_on_msg_receive(heard)
