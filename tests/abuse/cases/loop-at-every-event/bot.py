import tgl


def heard(msg):
    while True:
        pass


tgl.set_on_msg_receive(heard)
