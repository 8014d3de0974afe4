"""Answers every incoming message with its own text: the script under tglhost that round_trip.py measures."""
import tgl


def on_msg_receive(msg):
    if not msg.out and msg.text:
        msg.src.send_msg(msg.text)


tgl.set_on_msg_receive(on_msg_receive)
