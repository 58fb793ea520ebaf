/* The floor of tick_to_wire.py: the same job in C alone, on two plain sockets that are polled without a pause.

   floor PORT CORE: takes Binance's bookTicker frames, decodes the best prices into integers, decides, sizes an order,
   signs it with a pre-keyed HMAC-SHA256, and writes it to the WebSocket API. No library but OpenSSL's SHA-256 where its
   headers are there, no error handling beyond exit, one symbol, no state of orders, no control, no journal. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifdef WITH_OPENSSL
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>
#else
typedef struct { uint32_t h[8]; uint64_t length; uint8_t block[64]; } SHA256_CTX;
static const uint32_t K[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98,
    0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
    0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8,
    0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
    0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819,
    0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
    0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
    0xc67178f2};
static uint32_t ror(uint32_t x, int n) { return x >> n | x << (32 - n); }
static void compress(SHA256_CTX *c, const uint8_t *b) {
    uint32_t w[64], s[8];
    memcpy(s, c->h, sizeof s);
    for (int k = 0; k < 16; k++) w[k] = (uint32_t)b[4 * k] << 24 | b[4 * k + 1] << 16 | b[4 * k + 2] << 8 | b[4 * k + 3];
    for (int k = 16; k < 64; k++)
        w[k] = w[k - 16] + (ror(w[k - 15], 7) ^ ror(w[k - 15], 18) ^ w[k - 15] >> 3) + w[k - 7] + (ror(w[k - 2], 17) ^ ror(w[k - 2], 19) ^ w[k - 2] >> 10);
    for (int k = 0; k < 64; k++) {
        uint32_t t = s[7] + (ror(s[4], 6) ^ ror(s[4], 11) ^ ror(s[4], 25)) + ((s[4] & s[5]) ^ (~s[4] & s[6])) + K[k] + w[k];
        uint32_t u = (ror(s[0], 2) ^ ror(s[0], 13) ^ ror(s[0], 22)) + ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
        memmove(s + 1, s, 28);
        s[4] += t;
        s[0] = t + u;
    }
    for (int k = 0; k < 8; k++) c->h[k] += s[k];
}
static void SHA256_Init(SHA256_CTX *c) {
    static const uint32_t begun[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    memcpy(c->h, begun, sizeof begun);
    c->length = 0;
}
static void SHA256_Update(SHA256_CTX *c, const void *data, size_t n) {
    for (const uint8_t *at = data; n--;) {
        c->block[c->length++ % 64] = *at++;
        if (c->length % 64 == 0) compress(c, c->block);
    }
}
static void SHA256_Final(uint8_t *digest, SHA256_CTX *c) {
    uint64_t bits = c->length * 8;
    SHA256_Update(c, "\x80", 1);
    while (c->length % 64 != 56) SHA256_Update(c, "", 1);
    for (int k = 7; k >= 0; k--) { uint8_t b = (uint8_t)(bits >> 8 * k); SHA256_Update(c, &b, 1); }
    for (int k = 0; k < 32; k++) digest[k] = (uint8_t)(c->h[k / 4] >> (24 - k % 4 * 8));
}
#endif

static const char API_KEY[] = "k0123456789012345678901234567890123456789012345678901234567890ab";
static const char SECRET[] = "s0123456789012345678901234567890123456789012345678901234567890ab";
enum { ROOM = 1 << 16, FIRE_ABOVE = 601000, CLIP = 200, COLLAR_PPM = 500 };

static void stop(const char *why) { perror(why); exit(1); }

static int open_socket(int port, const char *path) {
    struct sockaddr_in there = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    char text[2048];
    size_t used = 0;
    if (connect(fd, (struct sockaddr *)&there, sizeof there)) stop("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    int n = sprintf(text, "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n", path, port);
    if (send(fd, text, (size_t)n, 0) != n) stop("send");
    do {    /* byte by byte: what follows the head are frames already */
        if (recv(fd, text + used, 1, 0) != 1) stop("handshake");
        used++;
    } while (used < 4 || memcmp(text + used - 4, "\r\n\r\n", 4));
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

/* A price with one decimal, as tenths: the text behind `name`. */
static int64_t tenths(const char *text, const char *name) {
    const char *at = strstr(text, name);
    if (!at) return 0;
    int64_t value = 0;
    for (at += strlen(name); *at >= '0' && *at <= '9'; at++) value = 10 * value + (*at - '0');
    return 10 * value + (*at == '.' && at[1] >= '0' ? at[1] - '0' : 0);
}

static SHA256_CTX inner, outer;

static void sign(const char *text, size_t n, char *hex) {
    SHA256_CTX c = inner;
    uint8_t digest[32];
    SHA256_Update(&c, text, n);
    SHA256_Final(digest, &c);
    c = outer;
    SHA256_Update(&c, digest, 32);
    SHA256_Final(digest, &c);
    for (int k = 0; k < 32; k++) { hex[2 * k] = "0123456789abcdef"[digest[k] >> 4]; hex[2 * k + 1] = "0123456789abcdef"[digest[k] & 15]; }
    hex[64] = 0;
}

static void order(int fd, int64_t price, int64_t lots, int number) {
    char payload[512], json[1024], hex[65], id[40];
    uint8_t frame[1100];
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    long long ms = t.tv_sec * 1000ll + t.tv_nsec / 1000000;
    sprintf(id, "cb-%032d", number);
    int n = sprintf(payload,
        "apiKey=%s&newClientOrderId=%s&newOrderRespType=RESULT&price=%lld.%lld&quantity=0.%03lld&recvWindow=2000&side=SELL&symbol=BTCUSDT&timeInForce=IOC&timestamp=%lld&type=LIMIT",
        API_KEY, id, (long long)price / 10, (long long)price % 10, (long long)lots, ms);
    sign(payload, (size_t)n, hex);
    n = sprintf(json,
        "{\"id\":%d,\"method\":\"order.place\",\"params\":{\"apiKey\":\"%s\",\"newClientOrderId\":\"%s\",\"newOrderRespType\":\"RESULT\",\"price\":\"%lld.%lld\",\"quantity\":\"0.%03lld\",\"recvWindow\":2000,\"side\":\"SELL\",\"symbol\":\"BTCUSDT\",\"timeInForce\":\"IOC\",\"timestamp\":%lld,\"type\":\"LIMIT\",\"signature\":\"%s\"}}",
        number, API_KEY, id, (long long)price / 10, (long long)price % 10, (long long)lots, ms, hex);
    uint8_t mask[4];
    uint32_t word = (uint32_t)(t.tv_nsec * 2654435761u);
    memcpy(mask, &word, 4);
    frame[0] = 0x81; frame[1] = 0x80 | 126; frame[2] = (uint8_t)(n >> 8); frame[3] = (uint8_t)n;
    memcpy(frame + 4, mask, 4);
    for (int k = 0; k < n; k++) frame[8 + k] = (uint8_t)json[k] ^ mask[k & 3];
    if (send(fd, frame, (size_t)n + 8, 0) != n + 8) stop("order");
}

int main(int count, char **words) {
    if (count != 3) { fprintf(stderr, "usage: floor PORT CORE\n"); return 2; }
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET(atoi(words[2]), &cores);
    sched_setaffinity(0, sizeof cores, &cores);
    uint8_t pad[64] = {0};
    memcpy(pad, SECRET, 64);
    for (int k = 0; k < 64; k++) pad[k] ^= 0x36;
    SHA256_Init(&inner);
    SHA256_Update(&inner, pad, 64);
    for (int k = 0; k < 64; k++) pad[k] ^= 0x36 ^ 0x5c;
    SHA256_Init(&outer);
    SHA256_Update(&outer, pad, 64);
    int market = open_socket(atoi(words[1]), "/public/stream?streams=btcusdt@bookTicker"), api = open_socket(atoi(words[1]), "/ws-fapi/v1");
    printf("ready\n");
    fflush(stdout);
    static char buffer[ROOM], answers[ROOM];
    size_t used = 0;
    for (int number = 0;;) {
        if (recv(api, answers, ROOM, 0) == 0) return 0;
        ssize_t got = recv(market, buffer + used, ROOM - 1 - used, 0);
        if (got == 0 || (got < 0 && errno != EAGAIN)) return 0;
        if (got < 0) continue;
        used += (size_t)got;
        for (;;) {
            size_t n = (uint8_t)buffer[1] & 127, head = n == 126 ? 4 : 2;
            if (used < head) break;
            if (n == 126) n = (size_t)(uint8_t)buffer[2] << 8 | (uint8_t)buffer[3];
            if (used < head + n) break;
            char after = buffer[head + n];
            buffer[head + n] = 0;
            int64_t bid = tenths(buffer + head, "\"b\":\""), ask = tenths(buffer + head, "\"a\":\"");
            if (bid >= FIRE_ABOVE && bid < ask) {
                int64_t lots = CLIP * 10000ll / bid, price = bid - bid * COLLAR_PPM / 1000000;
                if (lots > 0) order(api, price, lots, ++number);
            }
            buffer[head + n] = after;
            used -= head + n;
            memmove(buffer, buffer + head + n, used);
        }
    }
}
