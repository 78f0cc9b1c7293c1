"""Graphs that were compiled wrongly once: name -> (text, sets of inputs). One without its own head has HEAD."""
import numpy as np

HEAD = '<ir_version: 10, opset_import: ["": 21]> g '
x = np.arange(48, dtype=np.float32).reshape(2, 4, 6) % 7 - 3
ones = np.ones((8, 4, 2, 6), np.float32)

words = np.array([" a b", "a  b", " a  b c", "a,,b", ",", "a, b,c d,", "abab ab", "Monday", "MONDAY", "aba"], object)

CASES = {
    # backwards through what turns out to be nothing was one element
    "slice_nothing_backwards": ('''(float[3,N] x) => (float[?,?] y)
        <int64[1] a = {6}, int64[1] b = {1}, int64[1] c = {-2}, int64[1] d = {-1}> {
        s = Slice(x, a, b, b, c)
        y = Slice(s, d, b, b, d) }''', [{"x": np.arange(24, dtype=np.float32).reshape(3, 8)}, {"x": x[0, :3, :1]}]),
    # the row beyond the rows that a Pad cuts off at the front: a condition that never holds was around the sums
    "pad_cuts_row": ("(float[3,31,N] x, float[17,31] a) => (float[?,?,?] y) <int64[4] pads = {-1, 0, 1, 0}> "
                     "{ p = Pad(a, pads) y = MatMul(p, x) }",
                     [{"x": np.ones((3, 31, 33), np.float32), "a": np.ones((17, 31), np.float32)}]),
    # an estimate of a size divided by what is 0 for typical symbols that contradict each other
    "estimate_divides": ('''(float[1,2,7,N] x, int64[2] s) => (float[?,?] y)
        <int64[1] a = {-30}, int64[1] b = {10}, int64[1] c = {3}> {
        p = Slice(x, a, b, c)
        r = AveragePool <kernel_shape = [3, 2], pads = [2, 1, 0, 0]> (p)
        y = Reshape(r, s) }''', [{"x": np.ones((1, 2, 7, 3), np.float32), "s": np.array([6, 7])}]),
    # the sums of a tile were declared inside the condition that all of them are under
    "pad_outside_product": ('''(float[16,1,2] x, float[20,4,4] a) => (float[?,?,?] y)
        <int64[6] pads = {2, 2, 0, 2, 1, 0}> { p = Pad(x, pads) y = MatMul(a, p) }''',
                            [{"x": np.ones((16, 1, 2), np.float32), "a": np.ones((20, 4, 4), np.float32)}]),
    # columns of the indices were held against the dimensions of every axis
    "gather_nd_columns": ("(float[1,2] x, int64[2,2] i) => (float[?] y) { y = GatherND(x, i) }",
                          [{"x": x[0, :1, :2], "i": np.array([[0, 0], [0, 1]])}]),
    "scatter_nd_columns": (
        "(float[4,N] x, int64[2,2] i, float[2] u) => (float[?,?] y) { y = ScatterND(x, i, u) }",
        [{"x": x[0], "i": np.array([[0, 5], [3, 1]]), "u": x[0, 0, :2]}]),
    # loops of no iterations were merged, which divided by 0
    "empty_flatten": ("(float[6,2,5,0] x) => (float[?,?] y) { y = Flatten(x) }",
                      [{"x": np.zeros((6, 2, 5, 0), np.float32)}]),
    # 2*0 - 1 elements of a stage that nothing reads
    "negative_box": ('''(float[8,4,2,N] x) => (float[?,?,?,?] y)
        <float[4] s = {1, 1, 2, 0.5},
         int64[2] a = {7, -2}, int64[2] b = {6, 2}, int64[2] c = {0, 3}, int64[2] d = {-1, 2}> {
        p = MaxPool <kernel_shape = [2, 2]> (x)
        r = Resize <coordinate_transformation_mode = "half_pixel", mode = "linear"> (p, "", s)
        y = Slice (r, a, b, c, d) }''', [{"x": ones}, {"x": ones[..., :1]}, {"x": ones[..., :3]}]),
    # s / max(1, s) was not known to be 1
    "reshape_keeps_data_size": ('''(float[N] x) => (int64[?,?] y)
        <int64[2] s = {0, -1}, int64[2] a = {0, 1}> {
        i = NonZero (x)
        t = Transpose (i)
        r = Reshape (t, s)
        y = ReduceMax (r, a) }''', [{"x": x[0, 0]}, {"x": x[0, 1, :3]}]),
    # of operator set 11 alone, and written by TensorFlow's exporter into any
    "resize_tf_nearest": ('''(float[1,2,8,9] x) => (float[?,?,?,?] a, float[?,?,?,?] b, float[?,?,?,?] c)
        <int64[4] s = {1, 2, 5, 13}, int64[4] t = {1, 2, 16, 27}> {
        a = Resize <coordinate_transformation_mode = "tf_half_pixel_for_nn", nearest_mode = "floor"> (x, "", "", s)
        b = Resize <coordinate_transformation_mode = "tf_half_pixel_for_nn", nearest_mode = "floor"> (x, "", "", t)
        c = Resize <coordinate_transformation_mode = "tf_half_pixel_for_nn", mode = "linear"> (x, "", "", s) }''',
                          [{"x": np.arange(144, dtype=np.float32).reshape(1, 2, 8, 9)}]),
    # of a single element the reference evaluator takes position -0.5, the text and ONNX Runtime 0
    "resize_to_one": ('''(float[1,1,4,6] x) => (float[?,?,?,?] y) <int64[4] s = {1, 1, 1, 2}> {
        y = Resize <coordinate_transformation_mode = "pytorch_half_pixel", mode = "cubic"> (x, "", "", s) }''',
                      [{"x": x[:1, None]}]),
    # the state's next shape is N by broadcasting
    "scan_keeps_shape": ('''(float[4,N] x) => (float[?,?] y, float[?,?] z)
        <int64[1] a = {0}, int64[1] b = {1}> {
        v = Slice (x, a, b, b)
        y, z = Scan <num_scan_inputs = 1,
            body = body (float[?,?] s, float[?] e) => (float[?,?] n, float[?] o) {
            n = Sub (s, e)
            o = Identity (e) }> (x, v) }''', [{"x": x[0]}, {"x": x[1, :, :3]}]),
    # the lane operand's conditions, which the lane is not in, were forgotten
    "padded_lanes": ("""(float[4,3,8,N] x) => (float[?,?,?] y)
        <float[6,1,3,1] w = {0.375, -0.25, 0.375, -0.375, -0.625, -0.25, 0.25, -0.375, 0.375, -0.375, 0.25, -0.125,
         0.625, -0.125, 0, 0, -0.5, 0.25}, int64[1] a = {-4}> {
        r = LRN <alpha = 0.1, size = 5> (x)
        c = Conv <group = 3, kernel_shape = [3, 1], pads = [2, 0, 2, 0], strides = [3, 2]> (r, w)
        y = ReduceL1 <keepdims = 0> (c, a) }""", [{"x": np.ones((4, 3, 8, 7), np.float32) * 3}]),
    # a count that the first arm loads was taken for loaded in the other, and after a body that does not run
    "count_in_arms": ('''(float[N] x, int64 n, bool c) => (float[?] y) {
        y = If (c) <then_branch = a () => (float[?] p) {
            p = Loop (n, "", x) <body = b (int64 i, bool g, float[?] s) => (bool h, float[?] t) {
                h = Identity (g)
                t = Add (s, x) }>
        }, else_branch = d () => (float[?] p) {
            p = Loop (n, "", x) <body = b (int64 i, bool g, float[?] s) => (bool h, float[?] t) {
                h = Identity (g)
                t = Sub (s, x) }>
        }> }''', [{"x": x[0, 0], "n": np.array(4), "c": np.array(c)} for c in (True, False)]),
    "count_in_body": ('''(float[N] x, int64 m, int64 n) => (float[?] z) {
        y = Loop (m, "", x) <body = b (int64 i, bool g, float[?] s) => (bool h, float[?] t) {
            h = Identity (g)
            t = Loop (n, "", s) <body = d (int64 j, bool k, float[?] p) => (bool l, float[?] q) {
                l = Identity (k)
                q = Add (p, x) }>
        }>
        z = Loop (n, "", y) <body = e (int64 i, bool g, float[?] s) => (bool h, float[?] t) {
            h = Identity (g)
            t = Add (s, x) }> }''', [{"x": x[0, 0], "m": np.array(m), "n": np.array(3)} for m in (0, 2)]),
    # 0 times what is not finite: taps that only fill up the stride
    "transposed_not_finite": ('''(float[1,1,3,3] x) => (float[?,?,?,?] y) <float[1,1,3,3] w = {1, 2, 3, 4, 5, 6, 7, 8, 9}> {
        y = ConvTranspose <strides = [2, 2]> (x, w) }''',
                              [{"x": np.array([1, np.inf, 2, 3, 4, 5, 6, np.nan, 7], np.float32).reshape(1, 1, 3, 3)}]),
    # of an old operator set, so that import infers what LogSoftmax reads: the Loop had other symbols after it than before
    "loop_inferred_twice": ('''<ir_version: 10, opset_import: ["": 7]> g (float[2,N] x, int64 n, bool c) => (float[?,?] y) {
        p = Loop (n, c, x) <body = b (int64 i, bool g, float[?,?] s) => (bool h, float[?,?] t) {
            h = Identity (g)
            t = Concat <axis = 1> (s, x) }>
        r = Relu (p)
        y = LogSoftmax <axis = 1> (r) }''', [{"x": x[0, :2], "n": np.array(n), "c": np.array(True)} for n in (0, 3)]),
    # parts of strings. ONNX Runtime has no tabs, no parts in an empty string and no blank after the last part; ONNX has
    "split_blanks": ("(string[N] x) => (string[?,?] y, int64[?] z) { y, z = StringSplit (x) }",
                     [{"x": words}, {"x": words[:3]}]),
    "split_commas": ("(string[N] x) => (string[?,?] y, int64[?] z) { y, z = StringSplit <delimiter = \",\"> (x) }",
                     [{"x": words}, {"x": words[:2]}]),
    "split_some": ("(string[N] x) => (string[?,?] y, int64[?] z) { y, z = StringSplit <maxsplit = 1> (x) }", [{"x": words}]),
    "split_first": ('''(string[2,5] x) => (string[?,?,?] y, int64[?,?] z) {
        y, z = StringSplit <delimiter = "a", maxsplit = 1> (x) }''', [{"x": words.reshape(2, 5)}]),
    "joined": ('''(string[N] x) => (string[?] y, bool[?] z) {
        a = StringConcat (x, x)
        b = StringNormalizer <case_change_action = "LOWER", locale = "C", stopwords = ["mondaymonday", "abaaba"]> (a)
        y = StringConcat (b, b)
        z = Equal (b, y) }''', [{"x": words}, {"x": words[7:9]}]),
}
