import tgl


def heard(msg):
    peer = msg.dest if msg.out else msg.src
    peer.send_msg("x")
    peer.send_msg("x")


tgl.set_on_msg_receive(heard)
