/* Continued fractions of square roots in big numbers, each result a new tiny block, a window of
 * them kept as text. Stresses: very many short-lived blocks of 8 to 72 bytes beside a bounded live
 * set of about 2 MiB. Pattern: cfrac and espresso of mimalloc-bench by their profile; the
 * computation is another one: the convergents p/q of the square root of d satisfy p*p - d*q*q =
 * ±remainder, which each step verifies. */
#include "workload.h"

enum { KEPT = 40000, LIMBS_MAX = 8, LIMB_BITS = 32, STEPS = 2000000 };

struct number {
    uint32_t limbs;
    uint32_t limb[];
};

struct expansion {
    uint32_t radicand, root, m, divisor, term;
    bool odd;
    struct number *p, *p_before, *q, *q_before;
};

static char *kept[KEPT];
static size_t kept_at;
static uint64_t checksum;

static struct number *number_new(uint32_t limbs)
{
    size_t bytes = sizeof(struct number) + limbs * sizeof(uint32_t);
    struct number *number = checked(malloc(bytes), bytes);
    number->limbs = limbs;
    return number;
}

static struct number *trimmed(struct number *number)
{
    while (number->limbs && number->limb[number->limbs - 1] == 0) number->limbs--;
    return number;
}

static struct number *number_of(uint32_t value)
{
    struct number *number = number_new(1);
    number->limb[0] = value;
    return trimmed(number);
}

/* number * factor + addend */
static struct number *number_times_plus(const struct number *number, uint32_t factor, const struct number *addend)
{
    uint32_t limbs = number->limbs > addend->limbs ? number->limbs : addend->limbs;
    struct number *result = number_new(limbs + 1);
    uint64_t carry = 0;
    for (uint32_t at = 0; at < limbs; at++) {
        carry += at < addend->limbs ? addend->limb[at] : 0;
        carry += at < number->limbs ? (uint64_t)number->limb[at] * factor : 0;
        result->limb[at] = (uint32_t)carry;
        carry >>= LIMB_BITS;
    }
    result->limb[limbs] = (uint32_t)carry;
    return trimmed(result);
}

static struct number *number_square(const struct number *number)
{
    struct number *result = number_new(2 * number->limbs);
    memset(result->limb, 0, result->limbs * sizeof(uint32_t));
    for (uint32_t at = 0; at < number->limbs; at++) {
        uint64_t carry = 0;
        for (uint32_t by = 0; by < number->limbs; by++) {
            carry += (uint64_t)number->limb[at] * number->limb[by] + result->limb[at + by];
            result->limb[at + by] = (uint32_t)carry;
            carry >>= LIMB_BITS;
        }
        result->limb[at + number->limbs] = (uint32_t)carry;
    }
    return trimmed(result);
}

static bool number_is(const struct number *one, const struct number *other)
{
    return one->limbs == other->limbs && memcmp(one->limb, other->limb, one->limbs * sizeof(uint32_t)) == 0;
}

static void text_free(char *text)
{
    for (const char *digit = text; digit && *digit; digit++) checksum = checksum * 31 + (unsigned char)*digit;
    free(text);
}

static void keep_as_text(const struct number *number)
{
    char digits[LIMBS_MAX * LIMB_BITS / 4 + 1], *end = digits;
    for (uint32_t at = number->limbs; at-- > 0;)
        for (int shift = LIMB_BITS - 4; shift >= 0; shift -= 4)
            *end++ = "0123456789abcdef"[number->limb[at] >> shift & 15];
    *end++ = 0;
    char *text = checked(malloc((size_t)(end - digits)), 1);
    memcpy(text, digits, (size_t)(end - digits));
    char **place = &kept[kept_at++ % KEPT];
    text_free(*place);
    *place = text;
}

/* p*p and d*q*q lie `divisor` apart, on alternating sides. */
static void expansion_verify(const struct expansion *expansion)
{
    struct number *zero = number_of(0), *divisor = number_of(expansion->divisor);
    struct number *p_square = number_square(expansion->p), *q_square = number_square(expansion->q);
    struct number *left = number_times_plus(p_square, 1, expansion->odd ? zero : divisor);
    struct number *right = number_times_plus(q_square, expansion->radicand, expansion->odd ? divisor : zero);
    if (!number_is(left, right)) DIE("a convergent of the square root of %u is wrong\n", expansion->radicand);
    void *done[] = {zero, divisor, p_square, q_square, left, right};
    for (size_t at = 0; at < COUNT_OF(done); at++) free(done[at]);
}

static void expansion_begin(struct expansion *expansion, uint32_t radicand, uint32_t root)
{
    *expansion = (struct expansion){.radicand = radicand, .root = root, .m = root, .term = root};
    expansion->divisor = radicand - root * root;
    expansion->p_before = number_of(1);
    expansion->p = number_of(root);
    expansion->q_before = number_of(0);
    expansion->q = number_of(1);
}

static void advance(struct number **now, struct number **before, uint32_t term)
{
    struct number *next = number_times_plus(*now, term, *before);
    free(*before);
    *before = *now;
    *now = next;
}

static void expansion_step(struct expansion *expansion)
{
    expansion->term = (expansion->root + expansion->m) / expansion->divisor;
    expansion->m = expansion->term * expansion->divisor - expansion->m;
    expansion->divisor = (expansion->radicand - expansion->m * expansion->m) / expansion->divisor;
    expansion->odd = !expansion->odd;
    advance(&expansion->p, &expansion->p_before, expansion->term);
    advance(&expansion->q, &expansion->q_before, expansion->term);
}

static void expansion_end(struct expansion *expansion)
{
    free(expansion->p);
    free(expansion->p_before);
    free(expansion->q);
    free(expansion->q_before);
}

int main(int count, char **argument)
{
    struct expansion expansion;
    workload_begin(count, argument, "tiny short-lived blocks of big-number arithmetic", NULL);
    uint64_t left = scaled(STEPS);
    for (uint32_t radicand = 1000003, root = 1000; left > 0; radicand += 7) {
        while ((uint64_t)(root + 1) * (root + 1) <= radicand) root++;
        if (root * root == radicand) continue;
        expansion_begin(&expansion, radicand, root);
        for (; left > 0 && expansion.p->limbs < LIMBS_MAX; left--) {
            expansion_verify(&expansion);
            keep_as_text(expansion.p);
            expansion_step(&expansion);
        }
        expansion_end(&expansion);
    }
    for (size_t at = 0; at < KEPT; at++) text_free(kept[at]);
    return workload_end(checksum);
}
