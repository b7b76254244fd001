/* Binary trees built and torn down: one that lives long, many that live shortly. Stresses: one
 * small size in great number, frees in tree order, short-lived blocks beside long-lived ones.
 * Pattern: the binary-trees benchmark (Boehm's GCBench, the Computer Language Benchmarks Game). */
#include "workload.h"

enum { DEPTH_LEAST = 4, DEPTH_MOST = 16, LONG_LIVED_DEPTH = 17, NODES_PER_DEPTH = 3200000 };

struct node {
    struct node *left, *right;
    uint64_t value;
};

static struct node *grown(unsigned depth, uint64_t value)
{
    struct node *node = checked(malloc(sizeof *node), sizeof *node);
    node->value = value;
    node->left = depth ? grown(depth - 1, 2 * value) : NULL;
    node->right = depth ? grown(depth - 1, 2 * value + 1) : NULL;
    return node;
}

static uint64_t felled(struct node *node)
{
    uint64_t sum = mixed(node->value);
    if (node->left) sum += felled(node->left);
    if (node->right) sum += felled(node->right);
    free(node);
    return sum;
}

int main(int count, char **argument)
{
    uint64_t sum = 0;
    workload_begin(count, argument, "binary trees built and torn down", NULL);
    sum += felled(grown(LONG_LIVED_DEPTH + 1, 1));
    struct node *long_lived = grown(LONG_LIVED_DEPTH, 1);
    for (unsigned depth = DEPTH_LEAST; depth <= DEPTH_MOST; depth += 2) {
        uint64_t trees = scaled(NODES_PER_DEPTH) >> depth;
        for (uint64_t tree = 0; tree <= trees; tree++) sum += felled(grown(depth, tree + 1));
    }
    return workload_end(sum + felled(long_lived));
}
