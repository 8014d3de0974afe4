import tgl


def met(success, peers):
    house = peers[0]
    tgl.set_on_msg_receive(lambda msg: msg.out or msg.src.send_msg(msg.text))
    house.send_msg("again")


tgl.add_contact("9996610001", "House", "", met)
