/* Arrays that grow by realloc from 16 bytes: to 4 KiB and to 64 MiB by half of their size, to 4 MiB
 * by a fixed step. Stresses: realloc in place and by copy, growth of large blocks (mremap), several
 * arrays growing side by side. Pattern: the growing vectors and line buffers of real programs
 * (std::vector, getline, read-until-end). */
#include "workload.h"

enum { FEW = 4, MANY = 256, LEAST = 16, STEP = 4096, SAMPLE_STRIDE = 1016 };

struct array {
    char *block;
    size_t bytes, bytes_max, step;
    uint32_t serial;
};

static struct array few[FEW], many[MANY];
static uint64_t checksum;

static uint64_t word_of(const struct array *array, size_t offset)
{
    return ((uint64_t)array->serial << 32 | offset) * 0x9E3779B97F4A7C15u;
}

static void array_fill(struct array *array, size_t from)
{
    for (size_t at = from; at + TAG_BYTES <= array->bytes; at += TAG_BYTES)
        word_set(array->block, at, word_of(array, at));
}

/* The last word before the end of the old block is what a short copy loses first. */
static void array_verify(const struct array *array, size_t bytes)
{
    uint64_t sum = word_at(array->block, bytes - TAG_BYTES);
    if (sum != word_of(array, bytes - TAG_BYTES)) DIE("realloc lost the last word of %zu bytes\n", bytes);
    for (size_t at = 0; at + TAG_BYTES <= bytes; at += SAMPLE_STRIDE) {
        uint64_t word = word_at(array->block, at);
        if (word != word_of(array, at)) DIE("realloc of %zu bytes lost the word at %zu\n", bytes, at);
        sum += mixed(word);
    }
    checksum += sum;
}

static size_t rounded(size_t bytes) { return (bytes + TAG_BYTES - 1) / TAG_BYTES * TAG_BYTES; }

static void array_start(struct array *array, size_t bytes_max, size_t step, uint32_t serial)
{
    *array = (struct array){checked(malloc(LEAST), LEAST), LEAST, bytes_max, step, serial};
    array_fill(array, 0);
}

static void array_grow(struct array *array)
{
    size_t before = array->bytes, by = array->step ? array->step : rounded(before / 2);
    size_t after = before + by > array->bytes_max ? array->bytes_max : before + by;
    array->block = checked(realloc(array->block, after), after);
    array->bytes = after;
    array_verify(array, before);
    array_fill(array, before);
}

static bool array_is_grown(const struct array *array) { return array->bytes == array->bytes_max; }

static void array_end(struct array *array)
{
    array_verify(array, array->bytes);
    free(array->block);
    array->block = NULL;
}

/* The arrays take turns, each from a stage of its own, until each has been grown `times` times. */
static void grow_side_by_side(struct array *arrays, size_t length, size_t bytes_max, size_t step, uint64_t times)
{
    uint64_t left = times * length;
    size_t live = 0;
    for (size_t at = 0; at < length; at++, live++) array_start(&arrays[at], bytes_max, step, (uint32_t)at);
    for (size_t turn = 0; live; turn = (turn + 1) % length) {
        struct array *array = &arrays[turn];
        if (!array->block) continue;
        for (size_t steps = turn % 3 + 1; steps && !array_is_grown(array); steps--) array_grow(array);
        if (!array_is_grown(array)) continue;
        array_end(array);
        if (left > length)
            array_start(array, bytes_max, step, (uint32_t)left--);
        else
            live--;
    }
}

int main(int count, char **argument)
{
    workload_begin(count, argument, "arrays grown by realloc from 16 bytes to 64 MiB", NULL);
    grow_side_by_side(many, MANY, 4 * KIB, 0, scaled(1200));
    grow_side_by_side(few, FEW, 4 * MIB, STEP, scaled(8));
    grow_side_by_side(few, FEW, 64 * MIB, 0, scaled(3));
    return workload_end(checksum);
}
