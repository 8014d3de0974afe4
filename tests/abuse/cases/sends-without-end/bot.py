import tgl


def met(success, peers):
    house = peers[0]
    def sent(success, msg):
        house.send_msg("again", sent)

    for _ in range(1_000):
        house.send_msg("again", sent)


tgl.add_contact("9996610001", "House", "", met)
