;; Each page is written to, and the one that is not there too.
(memory (export "memory") 2)
(func (export "tgl:script/callbacks@0.1.0#on-get-difference-end") (result i32)
  (local $page i32)
  (loop $more
    (local.set $page (memory.grow (i32.const 1)))
    (i32.store (i32.mul (local.get $page) (i32.const 65536)) (i32.const 1))
    (br $more))
  i32.const 0)
