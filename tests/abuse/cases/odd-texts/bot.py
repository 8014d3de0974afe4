import tgl


def met(success, peers):
    house = peers[0]
    for text in ("\0", "\ud800", "\N{RIGHT-TO-LEFT OVERRIDE}", "\N{ZERO WIDTH JOINER}" * 4_000, "", b"\xff", None, 5):
        try:
            house.send_msg(text)
        except Exception as error:
            print(type(error).__name__)
    print("done")


tgl.add_contact("9996610001", "House", "", met)
