import tgl


def met(success, peers):
    house = peers[0]
    tgl.create_group_chat([house] * 1_000_000, "all")
    print("done")


tgl.add_contact("9996610001", "House", "", met)
