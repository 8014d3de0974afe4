# Greets the house once a minute, and prints what it answers.
# /// tglhost
# calls = ["read", "send", "contacts"]
# chats = ["users"]
# ///
import os
import time

import tgl

house = None
greeted = 0


def met(success, peers):
    global house
    house = peers[0] if peers else None
    greet()


def greet():
    global greeted
    if house and time.time() - greeted >= 60:
        greeted = time.time()
        house.send_msg(os.environ["GREETING"])


def heard(msg):
    if not msg.out:
        print(msg.src.name, "answers:", msg.text)


tgl.set_on_msg_receive(heard)
tgl.set_on_loop(greet)
tgl.set_on_get_difference_end(lambda: tgl.add_contact("9996610001", "House", "", met))
