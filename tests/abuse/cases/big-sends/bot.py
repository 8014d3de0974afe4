import tgl


def met(success, peers):
    house = peers[0]
    for n in range(100):
        house.send_msg("x" * 500_000)


tgl.add_contact("9996610001", "House", "", met)
