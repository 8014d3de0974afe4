(func $start (loop $more (br $more)))
(start $start)
