(func (export "tgl:script/callbacks@0.1.0#on-get-difference-end") (result i32) i32.const 0)
(func (export "cabi_post_tgl:script/callbacks@0.1.0#on-get-difference-end") (param i32) (loop $more (br $more)))
