import sqlite3

import tgl


def caught_up():
    database = sqlite3.connect(":memory:")
    for name in ("/etc/passwd", "../../data/tglhost.db", "/proc/self/mem", "file:/etc/passwd?mode=ro"):
        try:
            database.execute("ATTACH ? AS other", [name])
            print("TABLES", database.execute("SELECT * FROM other.sqlite_master").fetchall())
        except sqlite3.Error as error:
            print(type(error).__name__)
    database.execute("WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n").fetchall()


tgl.set_on_get_difference_end(caught_up)
