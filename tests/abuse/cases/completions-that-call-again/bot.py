import tgl


def again(*of):
    for _ in range(3):
        tgl.get_contact_list(again)


tgl.set_on_get_difference_end(again)
