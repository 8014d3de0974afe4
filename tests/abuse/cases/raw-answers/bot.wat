(func (export "tgl:script/callbacks@0.1.0#on-get-difference-end") (result i32) i32.const -4)
