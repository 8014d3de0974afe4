(table $table 1 funcref)
(func (export "tgl:script/callbacks@0.1.0#on-get-difference-end") (result i32)
  (loop $more
    (br_if $more (i32.ne (table.grow $table (ref.null func) (i32.const 1000)) (i32.const -1))))
  (table.set $table (i32.const 2000000000) (ref.null func))
  i32.const 0)
