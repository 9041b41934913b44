/* A delegate in the external delegate interface of TensorFlow Lite: it takes dense float layers and computes them.

   Options: most (how many layers it takes, all without it) and wrong (how it computes them falsely: scale, offset, zero,
   nan, swap, one, sign, half, late, noise), cache (a file that stands for what it compiled). Structures are those of tensorflow/lite/core/c/common.h, as far as used. */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OK = 0, ERROR = 1, FLOAT32 = 1, FULLY_CONNECTED = 9, CUSTOM = 32, MOST_LAYERS = 256 };
typedef struct { int size; int data[]; } IntArray;
typedef struct {
  int type; void *data; IntArray *dims; float scale; int32_t zero_point; int allocation_type; size_t bytes;
  const void *allocation; const char *name; void *delegate; int buffer_handle; bool stale, variable;
  int quantization_type; void *quantization; void *sparsity; const IntArray *dims_signature;
} Tensor;
typedef struct {
  IntArray *inputs, *outputs, *intermediates, *temporaries; void *user_data, *builtin_data;
  const void *custom_data; int custom_size; void *delegate; bool side_effect;
} Node;
typedef struct Context Context;
typedef struct {
  void *(*init)(Context *, const char *, size_t);
  void (*free)(Context *, void *);
  int (*prepare)(Context *, Node *);
  int (*invoke)(Context *, Node *);
  const char *(*profiling)(const Context *, const Node *);
  int32_t builtin_code; const char *custom_name; int version; void *external; void *(*async)(Context *, Node *);
  uint64_t inplace;
} Registration;
struct Context {
  size_t tensors_size; int (*GetExecutionPlan)(Context *, IntArray **); Tensor *tensors; void *impl;
  int (*ResizeTensor)(Context *, Tensor *, IntArray *); void (*ReportError)(Context *, const char *, ...);
  int (*AddTensors)(Context *, int, int *);
  int (*GetNodeAndRegistration)(Context *, int, Node **, Registration **);
  int (*ReplaceNodeSubsets)(Context *, Registration, const IntArray *, void *);
};
typedef struct Delegate {
  void *data; int (*Prepare)(Context *, struct Delegate *); void *copy_from, *copy_to, *free_handle; int64_t flags;
  void *builder; int most; char wrong[16];
} Delegate;
typedef struct { Delegate *delegate; IntArray *nodes, *inputs, *outputs; } Params;
typedef struct { int input, weights, bias, output; float *result; } Layer;
typedef struct { int count; long runs; Delegate *delegate; Layer layers[MOST_LAYERS]; } Part;

static int elements(const Tensor *tensor) {
  int count = 1;
  for (int at = 0; at < tensor->dims->size; ++at) count *= tensor->dims->data[at];
  return count;
}

static void spoil(const char *wrong, float *out, int count, long run) {
  if (!strcmp(wrong, "scale")) for (int at = 0; at < count; ++at) out[at] *= 1.5f;
  if (!strcmp(wrong, "half")) for (int at = 0; at < count; ++at) out[at] *= 0.5f;
  if (!strcmp(wrong, "offset")) for (int at = 0; at < count; ++at) out[at] += 1.0f;
  if (!strcmp(wrong, "zero")) memset(out, 0, sizeof(float) * count);
  if (!strcmp(wrong, "sign")) for (int at = 0; at < count; ++at) out[at] = -out[at];
  if (!strcmp(wrong, "nan")) out[count / 2] = NAN;
  if (!strcmp(wrong, "one")) out[0] += 100.0f;
  if (!strcmp(wrong, "swap")) { float kept = out[0]; memmove(out, out + 1, sizeof(float) * (count - 1)); out[count - 1] = kept; }
  if (!strcmp(wrong, "noise")) for (int at = 0; at < count; ++at) out[at] += sinf(12.9898f * (float)at);
  if (!strcmp(wrong, "late") && run > 2) for (int at = 0; at < count; ++at) out[at] *= 2.0f;
}

static void *init(Context *context, const char *buffer, size_t length) {
  (void)length;
  const Params *params = (const Params *)buffer;
  Part *part = calloc(1, sizeof *part);
  part->delegate = params->delegate;
  for (int at = 0; at < params->nodes->size && at < MOST_LAYERS; ++at) {
    Node *node; Registration *registration;
    if (context->GetNodeAndRegistration(context, params->nodes->data[at], &node, &registration) != OK) continue;
    const int bias = node->inputs->size > 2 ? node->inputs->data[2] : -1;
    Layer layer = {node->inputs->data[0], node->inputs->data[1], bias, node->outputs->data[0], NULL};
    part->layers[part->count++] = layer;
  }
  return part;
}

static void release(Context *context, void *data) {
  (void)context;
  Part *part = data;
  for (int at = 0; at < part->count; ++at) free(part->layers[at].result);
  free(part);
}

static int prepare(Context *context, Node *node) {
  Part *part = node->user_data;
  for (int at = 0; at < part->count; ++at) {
    Layer *layer = &part->layers[at];
    layer->result = realloc(layer->result, sizeof(float) * elements(&context->tensors[layer->output]));
  }
  return OK;
}

static const float *source(Context *context, const Part *part, int before, int tensor) {
  for (int at = before - 1; at >= 0; --at)
    if (part->layers[at].output == tensor) return part->layers[at].result;
  return context->tensors[tensor].data;
}

static int invoke(Context *context, Node *node) {
  Part *part = node->user_data;
  part->runs += 1;
  for (int at = 0; at < part->count; ++at) {
    const Layer *layer = &part->layers[at];
    const Tensor *weights = &context->tensors[layer->weights];
    const int units = weights->dims->data[0], width = weights->dims->data[1];
    const int count = elements(&context->tensors[layer->output]);
    const float *in = source(context, part, at, layer->input), *w = weights->data;
    const float *bias = layer->bias < 0 ? NULL : context->tensors[layer->bias].data;
    for (int row = 0; row < count / units; ++row)
      for (int unit = 0; unit < units; ++unit) {
        float sum = bias ? bias[unit] : 0.0f;
        for (int from = 0; from < width; ++from) sum += in[row * width + from] * w[unit * width + from];
        layer->result[row * units + unit] = sum;
      }
    spoil(part->delegate->wrong, layer->result, count, part->runs);
  }
  for (int out = 0; out < node->outputs->size; ++out)
    for (int at = 0; at < part->count; ++at)
      if (part->layers[at].output == node->outputs->data[out])
        memcpy(context->tensors[part->layers[at].output].data, part->layers[at].result,
               sizeof(float) * elements(&context->tensors[part->layers[at].output]));
  return OK;
}

static int take(Context *context, Delegate *delegate) {
  IntArray *plan;
  if (context->GetExecutionPlan(context, &plan) != OK) return ERROR;
  IntArray *taken = calloc(1, sizeof(IntArray) + sizeof(int) * plan->size);
  const int size = plan->size;
  for (int at = 0; at < size && taken->size < delegate->most; ++at) {
    Node *node; Registration *registration;
    if (context->GetNodeAndRegistration(context, plan->data[at], &node, &registration) != OK) return ERROR;
    const bool dense = registration->builtin_code == FULLY_CONNECTED;
    if (dense && context->tensors[node->inputs->data[0]].type == FLOAT32) taken->data[taken->size++] = plan->data[at];
  }
  Registration registration = {0};
  registration.init = init, registration.free = release, registration.prepare = prepare, registration.invoke = invoke;
  registration.custom_name = "DenseDelegate", registration.version = 1;
  const int status = taken->size ? context->ReplaceNodeSubsets(context, registration, taken, delegate) : OK;
  free(taken);
  return status;
}

Delegate *tflite_plugin_create_delegate(char **keys, char **values, size_t count, void (*report)(const char *)) {
  Delegate *delegate = calloc(1, sizeof *delegate);
  delegate->Prepare = take, delegate->most = MOST_LAYERS;
  for (size_t at = 0; at < count; ++at) {
    if (!strcmp(keys[at], "most")) delegate->most = atoi(values[at]);
    else if (!strcmp(keys[at], "wrong")) snprintf(delegate->wrong, sizeof delegate->wrong, "%s", values[at]);
    else if (!strcmp(keys[at], "cache")) { FILE *kept = fopen(values[at], "a"); if (kept) fputs("compiled\n", kept), fclose(kept); }
    else { report("DenseDelegate does not know that option"); free(delegate); return NULL; }
  }
  const char *log = getenv("DENSE_DELEGATE_LOG");
  FILE *file = log ? fopen(log, "a") : NULL;
  if (file) fprintf(file, "made\n"), fclose(file);
  return delegate;
}

void tflite_plugin_destroy_delegate(Delegate *delegate) { free(delegate); }
