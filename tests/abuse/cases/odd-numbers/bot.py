import tgl


def met(success, peers):
    house = peers[0]
    for number in (-1, 2**31, 2**63, 2**200, float("nan"), float("inf"), -0.0, True, "1"):
        tgl.get_history(house, number, number)
        tgl.delete_msg(number)
        house.send_location(number, number)
        house.fwd_msg(number)
    print("done")


tgl.add_contact("9996610001", "House", "", met)
