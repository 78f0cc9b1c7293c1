"""Compares voice with ONNX Runtime on synthetic speech: compare.py VOICE MODEL.onnx [--table] (numpy, onnxruntime)

espeak-ng says sentences in several voices; between them are pauses, with noise of different loudness. The probabilities
of all windows must agree to 1e-4, the segments that one function here computes of both must be equal, and those that
voice prints must be these.
"""
import io
import os
import subprocess
import sys
import tempfile
import time
import wave

import numpy as np
import onnxruntime

RATE, WINDOW, BEFORE = 16000, 512, 64
START, STOP, QUIET, SHORTEST, PAD = .5, .35, RATE // 10, RATE // 4, RATE * 3 // 100
SPOKEN = [
    ("en-us", 150, "The quick brown fox jumps over the lazy dog.", 1.5, 0), ("en-gb", 190, "Yes.", .8, 1e-3),
    ("de", 160, "Wer spricht, der wird gehört, und wer schweigt, der hört zu.", 2.2, 3e-3), ("fr", 120, "Bonjour tout le monde.", .3, 0),
    ("es", 220, "Uno, dos, tres, cuatro, cinco, seis, siete, ocho.", 3, 1e-2), ("en-us+f3", 170, "One. Two. Three.", .05, 0),
    ("it", 150, "Buona sera a tutti.", 1, 2e-3), ("en-us+m7", 140, "And that was all there was to say about it.", .7, 0),
]


def say(voice, speed, text):
    """Samples at RATE, in [-1, 1]."""
    data = subprocess.run(["espeak-ng", "-v", voice, "-s", str(speed), "--stdout", text], capture_output=True, check=True).stdout
    with wave.open(io.BytesIO(data)) as w:
        rate, pcm = w.getframerate(), np.frombuffer(w.readframes(w.getnframes()), "<i2")
    pcm = np.frombuffer(data[44:], "<i2") if len(pcm) < 100 else pcm  # a header written before the length was known
    at = np.arange(int(len(pcm) * RATE / rate)) * rate / RATE
    return np.interp(at, np.arange(len(pcm)), pcm / 32768)


def recording(path):
    rng = np.random.default_rng(7)
    parts = []
    for voice, speed, text, pause, noise in SPOKEN * 2:
        parts.append(say(voice, speed, text))
        parts.append(rng.standard_normal(int(pause * RATE)) * noise)
    x = np.concatenate(parts)
    pcm = np.clip(np.rint(x * 32767), -32768, 32767).astype("<i2")
    with wave.open(path, "wb") as w:
        w.setparams((1, 2, RATE, len(pcm), "NONE", ""))
        w.writeframes(pcm.tobytes())
    return pcm.astype(np.float32) / 32768


def windows(samples):
    x = np.concatenate([np.zeros(BEFORE, np.float32), samples, np.zeros(-len(samples) % WINDOW, np.float32)])
    return [x[None, at:at + BEFORE + WINDOW] for at in range(0, len(x) - BEFORE, WINDOW)]


def session(model):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def probabilities(engine, samples):
    state, rate, out = np.zeros((2, 1, 128), np.float32), np.array(RATE, np.int64), []
    for x in windows(samples):
        p, state = engine.run(["output", "stateN"], {"input": x, "state": state, "sr": rate})
        out.append(p.item())
    return np.array(out)


def segments(p, samples):
    found, begin, pause = [], None, None

    def close(end):
        if end - begin >= SHORTEST:
            found.append(((max(begin - PAD, 0)) / RATE, min(end + PAD, samples) / RATE))

    for i, x in enumerate(p):
        at = i * WINDOW
        if x >= START:
            begin, pause = at if begin is None else begin, None
        elif x < STOP and begin is not None and pause is None:
            pause = at
        if pause is not None and min(at + WINDOW, samples) - pause >= QUIET:
            close(pause)
            begin = pause = None
    if begin is not None:
        close(samples)
    return ["%.3f %.3f" % s for s in found]


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def table(voice, path, model, samples):
    def ours():
        before = os.times()
        run(voice, path)
        after = os.times()
        return after.children_user + after.children_system - before.children_user - before.children_system

    def clocked(f):
        start = time.process_time()
        f()
        return time.process_time() - start

    engine, n = session(model), len(windows(samples))
    per_window = min(ours() for _ in range(10)) / n, min(clocked(lambda: probabilities(engine, samples)) for _ in range(5)) / n
    print("microseconds of processors for a window of 32 ms: voice %.1f, ONNX Runtime %.1f (%.1f times)" %
          (per_window[0] * 1e6, per_window[1] * 1e6, per_window[1] / per_window[0]))
    print("start of a session: %.0f ms of processors" % (1e3 * min(clocked(lambda: session(model)) for _ in range(5))))


def main(voice, model, option=""):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "speech.wav")
        samples = recording(path)
        a, b = np.array(run(voice, "-p", path), float), probabilities(session(model), samples)
        assert len(a) == len(b)
        told, mine, theirs = run(voice, path), segments(a, len(samples)), segments(b, len(samples))
        worst = abs(a - b).max()
        print("%.1f s, %d windows, %d segments; probabilities differ by %.1e at most" %
              (len(samples) / RATE, len(a), len(theirs), worst))
        good = [worst <= 1e-4, len(theirs) > len(SPOKEN), mine == theirs, told == mine]
        for ok, what in zip(good, ("probabilities", "too few segments", "segments of both", "segments that voice prints")):
            if not ok:
                print("FAIL", what, told, mine, theirs)
        if option == "--table":
            table(voice, path, model, samples)
    print("%d passed, %d failed" % (sum(good), 4 - sum(good)))
    return not all(good)


sys.exit(main(*sys.argv[1:]))
