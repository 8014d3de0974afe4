import tgl


def met(success, peers):
    house = peers[0]
    for n in range(1_000_000):
        house.send_msg("spam")


tgl.add_contact("9996610001", "House", "", met)
