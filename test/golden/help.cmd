$ zenithc --help
exit 0
zenithc [options] MODEL.onnx -o OUT
zenithc run     MODEL.onnx [-i NAME=FILE]... [-o DIR] [--format=npy|pb]
zenithc verify  MODEL.onnx --data DIR [--rtol R] [--atol A] [--max-error R]
zenithc bench   MODEL.onnx [--scenario NAME] [--seconds S] [--json]
zenithc inspect MODEL.onnx [--json]
zenithc ops | targets [--json]

  -o, --output OUT               compile: the file to write, .c .o .a .so; run: a folder
  -O, --optimize N               -O0 the reference, -O3 the default
      --name PREFIX              of every symbol; default: from OUT
      --target NAME              see `zenithc targets`; default c
      --dim NAME=N|A..B          fixes or bounds a symbolic dimension
      --shape INPUT=1x3x8        fixes an input's shape; ? leaves a dimension as it is
      --threads N                divides kernels into N parts, for a pool of threads; default 1
      --weights HOW              inline, incbin, file or extern
      --state IN=OUT             keeps the pair in place between runs
      --cc CMD                   C compiler and its flags, split at blanks; default cc
      --verify                   compares with -O0 before anything is written
      --tolerance T              of --verify: |T - F| <= T * max|F|; default 1e-4
      --data DIR                 test_data_set_N, or a folder of them; run and bench take the first
      --rtol R                   |got - want| <= atol + rtol * |want|; default 1e-3
      --atol A                   default 1e-7
      --max-error R              |got - want| <= R * max|want| per output instead
  -i, --input NAME=FILE          an input from a .npy, .npz or .pb file
      --format npy|pb            of the outputs; default npy
      --seed N                   of inputs that are not given; default 1
      --profile                  the time of each kernel, with its layers, instead of the outputs
      --scenario NAME            single-stream (default), multi-stream, offline, server
      --streams N                runs at once; default: one per processor
      --qps R                    server: arrivals a second; default: half of what it can do
      --seconds S                how long to measure; default 3
      --json                     for programs
      --external-root DIR        where external data may lie; default: the model's folder
      --limit NAME=N             raises a limit; see zenithc(1)
      --dump NAME                prints what a pass, or import, lower or plan, made
  -v, --verbose                  passes and their times
      --log-format text|json     of messages
      --color[=WHEN]             of messages: auto, always, never
      --version                  prints the version
  -h, --help                     prints this

Exit codes: 0 done, 1 a difference was found, 2 usage, 3 the model or the data is invalid, 4 not supported,
5 the toolchain failed, 6 a limit was exceeded, 70 a bug in zenithc, 74 the output could not be written.
