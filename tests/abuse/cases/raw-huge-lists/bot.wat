(import "tgl:script/calls@0.1.0" "create-chat" (func $create (param i32 i32 i32 i32) (result i64)))
(memory (export "memory") 900)
(func (export "tgl:script/callbacks@0.1.0#on-get-difference-end") (result i32)
  (loop $more
    (drop (call $create (i32.const 0) (i32.const 3600000) (i32.const 0) (i32.const 4)))
    (br $more))
  i32.const 0)
