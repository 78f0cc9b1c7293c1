/* Folders of test data as ONNX lays them out: test_data_set_N/input_K.pb, output_K.pb (.npy and .npz as
 * well). */
#ifndef ZENITHC_DATASET_H
#define ZENITHC_DATASET_H

#include "exec.h"

typedef VEC(const char *) Paths;

/* dir itself if it holds input_* or output_*, else its folders that do, in order of name; raises if there are
 * none */
Paths dataset_list(const char *dir);
/* in[0..z->ninputs): what the folder holds, NULL where it holds nothing */
Host **dataset_inputs(const Exec *, const char *dir);
/* the value wanted of z->outputs[k], or NULL; *which: its place among the file's outputs */
Host *dataset_output(const Exec *, const char *dir, int k, int *which);

#endif
