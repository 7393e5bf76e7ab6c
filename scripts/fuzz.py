#!/usr/bin/env python3
"""Attacks the built program: damaged files of every format, edited run folders, hostile settings,
signals, kills, faulty solvers, full disks.

Whatever comes in, the program must end by itself, with a sentence when it fails: an end by a signal,
a status of 132 to 139 or more than a minute is a crash. Everything is drawn from --seed; a crash
prints what makes it again and keeps its files.

usage: fuzz.py [--seed N] [--seconds N] [--count N] [--only PHASE,…]
"""
import argparse, io, json, os, random, re, select, shutil, signal, socket, struct, subprocess, sys
import tempfile, time, zipfile
from pathlib import Path

import h5py
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
KYMO = os.environ.get("KYMO", str(ROOT / ".build/release/kymo"))
LAYOUTS = sorted(p for p in (ROOT / "Tests/KymoDataTests/Golden/layouts").iterdir() if p.suffix != ".py")
SMALL = ["--threads", "1"]
RECIPE = """\
name: tiny
data: {train: train.npz, test: test.npz}
model: {latents: 2, dataStart: true}
training:
  phases: {joint: {steps: 4}}
  batchSize: 4
  inputCrop: [40, 48]
  targetCrop: [4, 28]
evaluation: {rolloutRecordings: 2, fieldRecordings: 1, fitRecordings: 4}
"""
FORECASTS = """\
name: small
method: dynamics
data: {train: train.npz, validation: test.npz, test: test.npz}
reduction: {principalComponents: {latentCount: 3}}
propagator: {reservoir: {unitCount: 40, washOutSteps: 10}}
forecast: {warmUpSteps: 5, horizonSteps: 20, initialConditions: 4}
checkpointMinutes: 0.0001
"""
# Values that are wrong wherever they stand, or right and too much.
HOSTILE = """0 -1 1 2 3 1e300 -1e300 1e-300 1e18 9223372036854775807 -9223372036854775808
18446744073709551616 2147483647 1000000 nan .nan .inf -.inf null true [] {} [0] [1,2,3,4] [-1]
{a: 1} x "" ../x 1e9999 [1e300] [2147483647,2147483647] [[1]] {x: {x: {x: 1}}} 0.1 65536""".split()


class Server:
    """A program that is loaded once and forked for commands (see fuzz-server.c)."""

    def __init__(self, program, library, repeats):
        self.socket, theirs = socket.socketpair()
        variables = {"LD_PRELOAD": str(library), "KYMO_FUZZ_SERVER": str(theirs.fileno()),
                     "KYMO_FUZZ_REPEATS": str(repeats), "GOMP_SPINCOUNT": "1000"}
        self.process = subprocess.Popen([program], env={**os.environ, **variables},
                                        pass_fds=[theirs.fileno()])
        theirs.close()

    def number(self):
        got = self.socket.recv(4, socket.MSG_WAITALL)
        if len(got) < 4:
            sys.exit("fuzz: the server of the program has ended")
        return struct.unpack("i", got)[0]

    def start(self, folder, memory, said, arguments):
        words = [str(folder), str(memory or 0), str(said), *map(str, arguments)]
        text = b"".join(word.encode() + b"\0" for word in words)
        self.socket.sendall(struct.pack("I", len(text)) + text)
        return self.number()

    def status(self, seconds):
        """The status of what was started, or None while it works."""
        # By the second, so that a pause of the machine or of all processes counts as one.
        waits = [1] * seconds if seconds else [None]
        if not any(select.select([self.socket], [], [], wait)[0] for wait in waits):
            return None
        return os.waitstatus_to_exitcode(self.number())


class Attack:
    # Verbs that need tensors: `kymo` becomes kymo-engine for them.
    TENSORS = {"train", "evaluate", "extract", "forecast"}

    def __init__(self, folder, random_, servers=None):
        self.folder, self.random, self.servers = folder, random_, servers
        self.runs, self.crashes = 0, []

    def serve(self, arguments, waits, memory=None):
        """Runs a command by the server; waits are pairs of a signal (or None) and seconds."""
        server = self.servers[arguments[0] in self.TENSORS]
        said = Path(f"{self.folder}-said")
        process = server.start(self.folder, memory, said, arguments)
        status = None
        for number, seconds in waits:
            if number:
                os.kill(process, number)
            status = server.status(seconds)
            if status is not None:
                return status, said.read_text(errors="replace")
        os.kill(process, signal.SIGKILL)
        server.status(None)
        return "no end", said.read_text(errors="replace")

    def kymo(self, *arguments, memory=None, expect=None, seconds=60, anew=False):
        """Runs a command; notes a crash, or a status that is not the expected one."""
        import resource

        def bound():
            if memory:
                resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

        self.runs += 1
        if self.servers and not anew:
            status, words = self.serve(arguments, [(None, seconds)], memory)
        else:
            try:
                end = subprocess.run(
                    [KYMO, *map(str, arguments)], cwd=self.folder, preexec_fn=bound,
                    stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds)
                status, words = end.returncode, end.stderr.decode(errors="replace")
            except subprocess.TimeoutExpired:
                status, words = "no end", ""
        self.judge(status, words, arguments, expect)
        return status, words

    def judge(self, status, words, arguments, expect=None):
        bad = status == "no end" or status < 0 or 132 <= status <= 139
        if bad or (expect is not None and status not in expect):
            self.crash(f"status {status}: kymo {' '.join(map(str, arguments))}\n{words[-600:]}")

    def crash(self, what):
        self.crashes.append(what)
        print(f"CRASH {what}", flush=True)
        keep = Path(f"{self.folder}-crash-{len(self.crashes)}")
        if len(self.crashes) <= 5:
            shutil.copytree(self.folder, keep, symlinks=True, dirs_exist_ok=True,
                            ignore=lambda d, names: [n for n in names if n == "disk"])
            print(f"  kept in {keep}", flush=True)

    def mutated(self, data):
        """Bytes with a few changed, removed, doubled or cut off."""
        data, draw = bytearray(data), self.random
        for _ in range(draw.choice([1, 1, 2, 4, 16])):
            if not data:
                break
            place = draw.randrange(len(data))
            # Headers and directories are at the ends.
            if draw.random() < 0.5:
                place = min(len(data) - 1, draw.choice([place % 300, len(data) - 1 - place % 300]))
            place = max(0, place)
            kind = draw.randrange(6)
            if kind == 0:
                data[place] ^= 1 << draw.randrange(8)
            elif kind == 1:
                data[place] = draw.choice([0, 255, 127, 128, 32, 48, 57])
            elif kind == 2:
                del data[place:place + draw.choice([1, 4, 64])]
            elif kind == 3:
                data[place:place] = data[place:place + draw.choice([1, 8, 64])]
            elif kind == 4:
                data[place:place + 8] = draw.choice(
                    [b"\xff" * 8, bytes(8), b"\x7f" + b"\xff" * 7, b"99999999"])
            else:
                del data[place:]
        return bytes(data)

    def mutated_text(self, text):
        """JSON or YAML with values or names exchanged, removed or made hostile."""
        draw = self.random
        tokens = list(re.finditer(r"-?\d+\.?\d*(?:e-?\d+)?|\"[^\"]*\"|[a-zA-Z_]+", text))
        for token in sorted(draw.sample(tokens, min(len(tokens), draw.choice([1, 1, 2, 3]))),
                            key=lambda t: -t.start()):
            new = draw.choice(HOSTILE + ["", "NaN", '"Infinity"', '""', "-0", '"\\u001b[2J"'])
            if draw.random() < 0.3:
                new = draw.choice(tokens).group()
            text = text[:token.start()] + new + text[token.end():]
        return text

    # --- Phases; each is called again and again, one attack a call ------------------------------

    def prepare(self):
        for name, seed, count in [("train", 1, 8), ("test", 2, 4)]:
            self.kymo("simulate", "ks", f"recordings={count}", "frameCount=64", "pointCount=64",
                      "length=50.26548", f"seed={seed}", "-o", f"{name}.npz", "-q", expect=[0])
        x = np.load(self.folder / "test.npz")["x"][:, 0, :24, :32]
        with h5py.File(self.folder / "plain.h5", "w") as file:
            file.create_dataset("tensor", data=x, chunks=(1, 8, 32), compression="gzip")
            file["x-coordinate"], file["t-coordinate"] = np.arange(32.0), np.arange(24.0)
            file.attrs["Nu"] = 0.1
        with h5py.File(self.folder / "seeds.h5", "w") as file:
            for number, one in enumerate(x):
                file[f"{number:04d}/data"] = one[..., None]
                for axis, count in [("t", 24), ("x", 32)]:
                    file[f"{number:04d}/grid/{axis}"] = np.arange(float(count))
        (self.folder / "tiny.yaml").write_text(RECIPE)
        (self.folder / "small.yaml").write_text(FORECASTS)
        self.kymo("train", "tiny.yaml", "-o", "run", "-q", *SMALL, expect=[0])
        self.kymo("evaluate", "run", "-q", *SMALL, expect=[0])
        self.kymo("train", "small.yaml", "-o", "led", "-q", *SMALL, expect=[0])
        self.kymo("evaluate", "led", "-q", *SMALL, expect=[0])

    def base(self, name):
        return (self.folder / name).read_bytes()

    def files(self):
        """Damaged data files, as inspect sees them."""
        kind = self.random.choice(["npz", "npz", "zip", "npy", "lies", "values", "hdf5", "hdf5"])
        target = self.folder / "bad.npz"
        if kind in ("npz", "zip"):
            data = self.base("test.npz")
            if kind == "zip":
                arrays = np.load(io.BytesIO(data))
                packed = io.BytesIO()
                np.savez_compressed(packed, **{key: arrays[key] for key in arrays.files})
                data = packed.getvalue()
            target.write_bytes(self.mutated(data))
        elif kind == "hdf5":
            target = self.folder / "bad.h5"
            target.write_bytes(self.mutated(self.base(self.random.choice(["plain.h5", "seeds.h5"]))))
        elif kind == "npy":
            target = self.folder / "bad.npy"
            array = io.BytesIO()
            np.save(array, np.load(self.folder / "test.npz")["x"][:2])
            target.write_bytes(self.mutated(array.getvalue()))
        elif kind == "lies":
            # A header of another shape than the array, a small member that claims to be huge.
            shape = [self.random.choice([0, 1, 2, 64, 2**20, 2**31, 2**62, 2**63 - 1])
                     for _ in range(self.random.choice([2, 4, 5]))]
            header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {tuple(shape)}, }}"
            header = header.ljust(117) + "\n"
            body = b"\x93NUMPY\x01\x00v\x00" + header.encode()[:118] + bytes(4096)
            with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as file:
                file.writestr("x.npy", body)
        else:
            x = np.load(self.folder / "test.npz")
            arrays = {key: np.array(x[key]) for key in x.files}
            name = self.random.choice(list(arrays))
            array = arrays[name]
            if array.size and array.dtype.kind == "f":
                value = self.random.choice([np.nan, np.inf, 0, 1e38, -1e300, 1e-300])
                with np.errstate(all="ignore"):
                    array.flat[:: self.random.choice([1, 7, 1000])] = value
            # Text takes other forms of text; only finite numbers have a value in every number type.
            types = ["O", "U8"]
            if array.dtype.kind in "iu" or array.dtype.kind == "f" and np.isfinite(array).all():
                types += ["f2", "i8", "c8"]
            if self.random.random() < 0.3:
                with np.errstate(all="ignore"):
                    arrays[name] = array.astype(self.random.choice(types))
            np.savez(target, **{k: v for k, v in arrays.items()
                                if k == "x" or self.random.random() < 0.9})
        verb = self.random.choice(["inspect"] * 4 + ["extract", "evaluate", "forecast"])
        if verb == "inspect":
            self.kymo("inspect", target.name)
        elif verb == "extract":
            self.kymo("extract", "run", target.name, "-o", "got", "--force", "-q", *SMALL)
        elif verb == "evaluate":
            self.kymo("evaluate", "run", target.name, "-q", *SMALL)
        else:
            run = self.random.choice(["led", "run"])
            self.kymo("forecast", run, target.name, "-o", "got.npz", "--force", "-q", *SMALL)

    def formats(self):
        """Damaged small files of every format and layout, in at most 1 GB."""
        source = self.random.choice(LAYOUTS)
        target = self.folder / "bad"  # a format is known by its bytes
        target.write_bytes(self.mutated(source.read_bytes()))
        # The same words one after the other, so that one process takes several.
        follow = ["--follow-links"] if self.runs // 100 % 5 == 0 else []
        # libhdf5 is given 5 s of a processor, on a busy machine up to two minutes.
        self.kymo("inspect", target.name, *follow, memory=1 << 30, seconds=150)

    def folders(self):
        """Edited files of a run folder."""
        run = self.random.choice(["run", "run", "led"])
        copy = self.folder / "edited"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(self.folder / run, copy)
        names = [p for p in copy.rglob("*") if p.is_file() and p.name != ".lock"]
        name = self.random.choice(names)
        if self.random.random() < 0.07:
            name.unlink()
        elif name.suffix in (".json", ".yaml", ".jsonl") and self.random.random() < 0.8:
            name.write_text(self.mutated_text(name.read_text()))
        else:
            name.write_bytes(self.mutated(name.read_bytes()))
        verb = self.random.choice(["extract", "evaluate", "report", "report", "resume", "forecast"])
        if verb == "resume":
            shutil.rmtree(copy / "model", ignore_errors=True)
            self.kymo("train", "--resume", "edited", "-q")
        elif verb == "extract":
            self.kymo("extract", "edited", "test.npz", "-q", *SMALL)
        elif verb == "forecast":
            self.kymo("forecast", "edited", "test.npz", "-o", "got.npz", "--force", "-q", *SMALL)
        else:
            self.kymo(verb, "edited", "-q", *(SMALL if verb == "evaluate" else []))

    def settings(self):
        """Hostile values of every setting."""
        draw = self.random
        if draw.random() < 0.4:
            system = draw.choice(["ks", "nls", "burgers", "cd", "fibre", "gray-scott", "fhn", "dirichlet"])
            if system not in self.systems:
                self.systems[system] = self.keys(
                    subprocess.run([KYMO, "simulate", system, "--dry-run"], capture_output=True,
                                   text=True, cwd=self.folder).stdout)
            keys = self.systems[system] or ["recordings"]
            words = [f"{draw.choice(keys)}={draw.choice(HOSTILE)}" for _ in range(draw.choice([1, 1, 2]))]
            self.kymo("simulate", system, *words, "--dry-run")
            return
        recipe = draw.choice(["tiny", "tiny", "small"])
        if recipe not in self.systems:
            text = (self.folder / {"tiny": "run", "small": "led"}[recipe] / "recipe.yaml").read_text()
            self.systems[recipe] = self.keys(text)
        words = [f"{draw.choice(self.systems[recipe])}={draw.choice(HOSTILE)}"
                 for _ in range(draw.choice([1, 1, 2]))]
        # Hostile sizes may ask for much work: it is stopped then, which is an end like another.
        self.brief("train", f"{recipe}.yaml", *words, "--dry-run", "-q", *SMALL)

    systems = {}

    @staticmethod
    def keys(yaml):
        """The paths of all settings of a YAML text."""
        found, stack = [], []
        for line in yaml.splitlines():
            match = re.match(r"( *)([A-Za-z]\w*):", line)
            if match:
                depth = len(match[1]) // 2
                stack = stack[:depth] + [match[2]]
                found.append(".".join(stack))
        return found

    def brief(self, *arguments, seconds=5):
        """A command that is asked to stop when it works for long."""
        self.runs += 1
        import resource
        waits = [(number, seconds) for number in [None, signal.SIGTERM, signal.SIGTERM]]
        if self.servers:
            status, words = self.serve(arguments, waits, 6 << 30)
        else:
            process = subprocess.Popen(
                [KYMO, *map(str, arguments)], cwd=self.folder, stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30)))
            status, words = "no end", ""
            for number, seconds in waits:
                if number:
                    process.send_signal(number)
                try:
                    words = process.communicate(timeout=seconds)[1].decode(errors="replace")
                    status = process.returncode
                    break
                except subprocess.TimeoutExpired:
                    pass
            if status == "no end":
                process.kill()
                process.communicate()
        # Before the handler is there SIGTERM ends the program as it does any other.
        self.judge(143 if status == -signal.SIGTERM else status, words, arguments)

    def signals(self):
        """A training that is stopped, killed and continued; its checkpoints stay good."""
        draw, run = self.random, self.folder / "stopped"
        if draw.random() < 0.3:
            shutil.rmtree(run, ignore_errors=True)
        recipe = draw.choice(["tiny", "small"])
        words = ["train", "--resume", "stopped", "-q"] if (run / "recipe.yaml").exists() else [
            "train", f"{recipe}.yaml", "-o", "stopped", "--force", "-q", "checkpointMinutes=0.0001", *SMALL]
        if words[1] != "--resume" and recipe == "tiny":
            words.append("training.phases.joint.steps=60")
        self.runs += 1
        process = subprocess.Popen([KYMO, *words], cwd=self.folder, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        number = draw.choice([signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL,
                              signal.SIGKILL, signal.SIGPIPE])
        try:
            process.wait(timeout=draw.uniform(0.05, 2.5))
        except subprocess.TimeoutExpired:
            process.send_signal(number)
        try:
            said = process.communicate(timeout=30)[1].decode(errors="replace")
        except subprocess.TimeoutExpired:
            process.kill()
            return self.crash(f"no end after signal {number}: kymo {' '.join(words)}")
        status = process.returncode
        # Before the handlers are there a signal ends the program as it does any other.
        if status != -number and status not in (0, 1, 128 + number):
            self.crash(f"status {status} after signal {number}: kymo {' '.join(words)}\n{said[-600:]}")
        if status == 1:
            self.crash(f"cannot go on: kymo {' '.join(words)}\n{said[-600:]}")

    def solvers(self):
        """Solvers that lie, die, hang and babble."""
        draw = self.random
        frame = draw.choice(["printf 'frame 64\\n'; head -c 512 /dev/zero", "printf 'frame 64\\n'",
                             "exit 3", "kill -9 $$", "kill -11 $$", "yes", "sleep 1", "head -c 9999 /dev/urandom",
                             "echo frame 99999999999999999999", "echo error no", "exec >&-", "exec <&-"])
        announcement = draw.choice(
            ["kymo-solver 1 interval 0.25 shape 1 64"] * 3 + [
                "kymo-solver 1 interval 0.25 batch 9223372036854775807 shape 1 64",
                "kymo-solver 1 interval nan shape 1 64", "kymo-solver 1 interval 0.25 shape 1 16777216 64",
                "kymo-solver 9", "kymo-solver 1 interval 0.25 batch 0 shape 1 64", ""])
        script = self.folder / "solver.sh"
        script.write_text(f"echo '{announcement}'\nread a\n"
                          f"{draw.choice(['head -c 512 >/dev/null', ':'])}\n"
                          f"{draw.choice(['echo ready', 'echo ready; echo ready', 'exit 0'])}\nread b\n"
                          f"while :; do {frame}; done 2>/dev/null | head -c 100000\n")
        self.brief("forecast", draw.choice(["led", "run"]), "test.npz", "--macro", "2", "--micro",
                   draw.choice(["1", "3"]), "--solver", "sh solver.sh", "-o", "got.npz", "--force",
                   "-q", *SMALL, seconds=3)

    def deaths(self):
        """A solver and what it has started end with a killed Kymo."""
        mark = str(86_400 + self.random.randrange(10**6))
        self.runs += 1
        (self.folder / "sleeper.sh").write_text(f"sleep {mark} & sleep {mark}\n")
        process = subprocess.Popen(
            [KYMO, "forecast", "led", "test.npz", "--macro", "2", "--micro", "1", "--solver",
             "sh sleeper.sh", "-o", "got.npz", "--force", "-q", *SMALL], cwd=self.folder,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        def sleepers():
            found = 0
            for entry in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    found += entry.read_bytes().split(b"\0")[:2] == [b"sleep", mark.encode()]
                except OSError:
                    pass
            return found

        def wait(condition):
            end = time.monotonic() + 10
            while not condition() and time.monotonic() < end:
                time.sleep(0.02)
            return condition()

        started = wait(lambda: sleepers() == 2)
        process.send_signal(self.random.choice([signal.SIGKILL, signal.SIGTERM]))
        begin = time.monotonic()
        process.wait()
        if not started or not wait(lambda: sleepers() == 0):
            self.crash(f"solver: started {started}, {sleepers()} programs left behind")
        if time.monotonic() - begin > 5:
            self.crash(f"solver: a signal was heard after {time.monotonic() - begin:.1f} s")

    def memory(self):
        """Little memory: a sentence, whatever the verb."""
        draw = self.random
        limit = draw.choice([300, 600, 900, 1300, 2000]) << 20
        self.kymo(*draw.choice([
            ["inspect", "test.npz"], ["simulate", "ks", "recordings=2", "-o", "got.npz", "--force"],
        ]), memory=limit, anew=True)

    def disk(self):
        """A full disk; needs root for a small tmpfs."""
        place = self.folder / "disk"
        if not place.exists():
            place.mkdir()
            if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", place],
                              capture_output=True).returncode:
                return False
        for leftover in place.iterdir():
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
        (place / "fill").write_bytes(bytes(self.random.randrange(0, 380_000)))
        verb = self.random.choice(["train", "simulate", "extract", "forecast"])
        if verb == "train":
            self.kymo("train", "tiny.yaml", "-o", "disk/run", "-q", *SMALL, expect=[0, 1])
        elif verb == "simulate":
            self.kymo("simulate", "ks", "recordings=20", "-o", "disk/a.npz", "-q", expect=[0, 1])
        elif verb == "extract":
            self.kymo("extract", "run", "test.npz", "-o", "disk/a", "-q", *SMALL, expect=[0, 1])
        else:
            self.kymo("forecast", "led", "test.npz", "-o", "disk/a.npz", "-q", *SMALL, expect=[0, 1])
        return True


def servers(folder):
    """Servers of the two programs, by whether a verb needs tensors; none without a C compiler."""
    library = Path(f"{folder}-server.so")
    try:
        subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", library,
                        Path(__file__).with_name("fuzz-server.c")], check=True)
    except (OSError, subprocess.CalledProcessError):
        print("fuzz: no C compiler, so each attack starts the program by itself", flush=True)
        return None
    return {False: Server(KYMO, library, 100), True: Server(f"{KYMO}-engine", library, 1)}


PHASES = ["files", "formats", "folders", "settings", "signals", "solvers", "deaths", "memory", "disk"]


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--seconds", type=float, default=600, help="for all phases together")
    options.add_argument("--count", type=int, default=10_000, help="attacks of a phase at most")
    options.add_argument("--only", default=",".join(PHASES))
    options = options.parse_args()
    phases = options.only.split(",")
    folder = Path(tempfile.mkdtemp(prefix="kymo-fuzz-"))
    failed = 0
    try:
        attack = Attack(folder, random.Random(options.seed), servers(folder))
        if phases != ["formats"]:
            attack.prepare()
        begin = time.monotonic()
        for number, phase in enumerate(phases):
            attack.random = random.Random(f"{options.seed} {phase}")
            end = begin + options.seconds * (number + 1) / len(phases)
            before, crashes, count = attack.runs, len(attack.crashes), 0
            while count < options.count and time.monotonic() < end:
                count += 1
                if getattr(attack, phase)() is False:
                    print(f"{phase}: left out, it needs root", flush=True)
                    break
                if count % 10_000 == 0:
                    print(f"{phase}: {count} so far", flush=True)
            print(f"{phase}: {attack.runs - before} attacks, "
                  f"{len(attack.crashes) - crashes} crashes", flush=True)
        failed = len(attack.crashes)
    finally:
        subprocess.run(["umount", folder / "disk"], capture_output=True)
        shutil.rmtree(folder, ignore_errors=True)
        for leftover in ("said", "server.so"):
            Path(f"{folder}-{leftover}").unlink(missing_ok=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
