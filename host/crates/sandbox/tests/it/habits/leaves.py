"""Ends itself on a command, once what it sent is gone."""
import tgl

OWNER = 2
is_leaving = False


def left(success, msg):
    print("sent", success)


def on_msg_receive(msg):
    global is_leaving
    if msg.src.id == OWNER and msg.text == "!quit" and not is_leaving:
        is_leaving = True
        tgl.status_offline()
        msg.src.send_msg("bye", left)
        tgl.safe_exit(3)
        print("leaving")


tgl.set_on_msg_receive(on_msg_receive)
