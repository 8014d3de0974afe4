# Writes numbers to the neighbour, each when the one before is answered, and prints each answer with the milliseconds it took.
# /// tglhost
# calls = ["read", "send", "contacts"]
# chats = ["users"]
# ///
import threading
import time

import tgl

PAUSE_S = 0.02

number = 0
sent_at = 0.0


def send():
    global sent_at
    sent_at = time.perf_counter()
    neighbour.send_msg(str(number))


def heard(msg):
    global number
    if msg.out or not msg.text or not msg.text.isdigit():
        return
    print("answer", msg.text, round(1000 * (time.perf_counter() - sent_at), 1))
    number += 1
    threading.Timer(PAUSE_S, send).start()


def met(success, peers):
    global neighbour
    neighbour = peers[0]
    send()


tgl.set_on_msg_receive(heard)
tgl.add_contact("9996610001", "House", "", met)
