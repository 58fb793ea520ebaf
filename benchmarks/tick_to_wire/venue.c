/* A fake venue for tick_to_wire.py: sends ticks, takes the time until the orders that they cause have been read.

   venue SCRIPT TICKS SPACING_US CORE      prints `port N`, begins at `go` on standard input, prints one line a tick:
                                           ns to the last byte of the first order and of the last one (-1: none came)

   One thread, one core, never asleep: it polls its sockets. CLOCK_MONOTONIC is read before a tick is handed to the
   kernel, and right after the read that brought an order's last byte. A turn: the tick that calls for orders; the
   orders, answered together once `legs` of them are there; the tick that calls for nothing, and what keeps streams
   alive; the next turn `spacing` after this one began, and a millisecond after its last word.

   SCRIPT: tab-separated lines; texts are named by file. The first line that matches counts, `-` matches everything.
     legs    N
     http    METHOD  PATH-PREFIX  IN-REQUEST  FILE     an answer
     order   METHOD  PATH-PREFIX  IN-REQUEST  FILE     the same, of an order
     frame   WS      PATH-PREFIX  IN-FRAME    FILE     an answer to a websocket frame
     order   WS      PATH-PREFIX  IN-FRAME    FILE
     greet   -       PATH         -           FILE     said first on a websocket
     fire    -       PATH-PREFIX  ASKED-FOR   FILE     a tick that calls for orders; several take turns
     calm    -       PATH-PREFIX  ASKED-FOR   FILE     sent after the orders
     side    -       PATH-PREFIX  ASKED-FOR   FILE     sent every 200 ms, between turns
   In texts: $ms the time, $u a new number, $p this line's number before, $f the one after that, $(name) the JSON value that the request
   gives it, $[name] its value in a query. ASKED-FOR is looked for in a websocket's path and in what came over it, spaces left out. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <ctype.h>
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

enum { CONNECTIONS = 64, LINES = 128, ROOM = 1 << 20, HELD = 16, SEEN = 1 << 14 };
enum { HTTP = 'h', ORDER = 'o', FRAME = 'f', FIRE = 'F', CALM = 'c', SIDE = 's', GREET = 'g' };

typedef struct { char kind, method[8], path[128], inside[128]; char *text; size_t length; uint64_t last; } Line;
typedef struct {
    int fd, ws, hot; int64_t opened_at; size_t used, seen_used;
    char path[512], *buffer, *seen; uint64_t streams[2];
} Connection;

static Line lines[LINES];
static Connection connections[CONNECTIONS];
static int n_lines, legs = 1, listening, running;
static uint64_t number = 1000000000000ull;
static int64_t sent_at, first_at, last_at;
static int orders, strays;
static struct { int of, is_ws; size_t length; char *bytes; } held[HELD];
static int n_held;
static char out[ROOM];

static void die(const char *what) { perror(what); exit(1); }
static int64_t now_ns(void) {
    struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1000000000ll + t.tv_nsec;
}

/* SHA-1 and base64: the answer to a websocket's handshake. */
static uint32_t rol(uint32_t x, int n) { return x << n | x >> (32 - n); }
static void sha1(const uint8_t *data, size_t length, uint8_t digest[20]) {
    uint32_t h[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
    uint8_t padded[256] = {0};
    memcpy(padded, data, length);
    padded[length] = 0x80;
    size_t whole = (length + 8) / 64 * 64 + 64;
    for (int k = 0; k < 8; k++) padded[whole - 1 - k] = (uint8_t)(length * 8 >> 8 * k);
    for (size_t at = 0; at < whole; at += 64) {
        uint32_t w[80], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
        for (int k = 0; k < 16; k++)
            w[k] = (uint32_t)padded[at + 4 * k] << 24 | padded[at + 4 * k + 1] << 16 | padded[at + 4 * k + 2] << 8 | padded[at + 4 * k + 3];
        for (int k = 16; k < 80; k++) w[k] = rol(w[k - 3] ^ w[k - 8] ^ w[k - 14] ^ w[k - 16], 1);
        for (int k = 0; k < 80; k++) {
            uint32_t f = k < 20 ? ((b & c) | (~b & d)) : k < 40 ? b ^ c ^ d : k < 60 ? ((b & c) | (b & d) | (c & d)) : b ^ c ^ d;
            static const uint32_t key[4] = {0x5A827999, 0x6ED9EBA1, 0x8F1BBCDC, 0xCA62C1D6};
            uint32_t t = rol(a, 5) + f + e + key[k / 20] + w[k];
            e = d; d = c; c = rol(b, 30); b = a; a = t;
        }
        h[0] += a; h[1] += b; h[2] += c; h[3] += d; h[4] += e;
    }
    for (int k = 0; k < 20; k++) digest[k] = (uint8_t)(h[k / 4] >> (24 - k % 4 * 8));
}
static void base64(const uint8_t *in, size_t length, char *text) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t at = 0; at < length; at += 3) {
        uint32_t v = in[at] << 16 | (at + 1 < length ? in[at + 1] << 8 : 0) | (at + 2 < length ? in[at + 2] : 0);
        *text++ = letters[v >> 18]; *text++ = letters[v >> 12 & 63];
        *text++ = at + 1 < length ? letters[v >> 6 & 63] : '='; *text++ = at + 2 < length ? letters[v & 63] : '=';
    }
    *text = 0;
}

static void send_all(Connection *c, const char *bytes, size_t length) {
    while (length && c->fd >= 0) {
        ssize_t done = send(c->fd, bytes, length, MSG_NOSIGNAL);
        if (done > 0) { bytes += done; length -= (size_t)done; }
        else if (errno != EAGAIN) { close(c->fd); c->fd = -1; }
    }
}

/* The value of a name in a request: of JSON with its quotes, of a query as it is. */
static size_t value_of(const char *name, size_t name_length, int query, const char *from, size_t length, char *to) {
    char wanted[80];
    int n = snprintf(wanted, sizeof wanted, query ? "%.*s=" : "\"%.*s\":", (int)name_length, name);
    const char *at = length ? memmem(from, length, wanted, (size_t)n) : NULL, *end = from + length;
    if (!at) { memcpy(to, "null", 4); return 4; }
    at += n;
    while (at < end && *at == ' ') at++;
    const char *stop = at;
    if (query) while (stop < end && *stop != '&' && *stop != ' ' && *stop != '\r') stop++;
    else if (*at == '"') { for (stop++; stop < end && *stop != '"';) stop++; stop++; }
    else while (stop < end && !strchr(",}]", *stop)) stop++;
    memcpy(to, at, (size_t)(stop - at));
    return (size_t)(stop - at);
}

/* A text with its fields filled in, at `to`; returns its length. */
static size_t filled(Line *line, const char *request, size_t request_length, char *to) {
    char *begun = to;
    uint64_t fresh = 0;
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    for (const char *at = line->text, *end = at + line->length; at < end;) {
        if (*at != '$') { *to++ = *at++; continue; }
        if (!strncmp(at, "$ms", 3)) { to += sprintf(to, "%lld", t.tv_sec * 1000ll + t.tv_nsec / 1000000); at += 3; }
        else if (at[1] == 'u') { if (!fresh) fresh = ++number; to += sprintf(to, "%llu", (unsigned long long)fresh); at += 2; }
        else if (at[1] == 'f') { to += sprintf(to, "%llu", (unsigned long long)line->last + 1); at += 2; }
        else if (at[1] == 'p') { to += sprintf(to, "%llu", (unsigned long long)line->last); at += 2; }
        else if (at[1] == '(' || at[1] == '[') {
            const char *stop = strchr(at, at[1] == '(' ? ')' : ']');
            to += value_of(at + 2, (size_t)(stop - at - 2), at[1] == '[', request, request_length, to);
            at = stop + 1;
        } else *to++ = *at++;
    }
    if (fresh) line->last = fresh;
    return (size_t)(to - begun);
}

static size_t framed(Line *line, const char *request, size_t length, char *to) {
    size_t n = filled(line, request, length, to + 10), head = n < 126 ? 2 : n < 65536 ? 4 : 10;
    uint8_t h[10] = {0x81, (uint8_t)(n < 126 ? n : n < 65536 ? 126 : 127)};
    for (size_t k = 2; k < head; k++) h[k] = (uint8_t)(n >> 8 * (head - 1 - k));
    memmove(to + head, to + 10, n);
    memcpy(to, h, head);
    return head + n;
}

static size_t answered(Line *line, const char *request, size_t length, char *to) {
    size_t n = filled(line, request, length, to + 256);
    const char *status = strcmp(line->method, "CONNECT") ? "200 OK" : "403 Forbidden";
    int head = snprintf(to, 256, "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n", status, n);
    memmove(to + head, to + 256, n);
    return (size_t)head + n;
}

static int holds(const char *text, size_t length, const char *wanted) {
    return !strcmp(wanted, "-") || (length && memmem(text, length, wanted, strlen(wanted)));
}

static void flush_held(void) {
    for (int k = 0; k < n_held; k++) {
        send_all(&connections[held[k].of], held[k].bytes, held[k].length);
        free(held[k].bytes);
    }
    n_held = 0;
}

/* An order is there: note when, keep its answer. */
static void on_order(Connection *c, Line *line, const char *request, size_t length, int64_t read_at) {
    size_t n = c->ws ? framed(line, request, length, out) : answered(line, request, length, out);
    c->hot = 1;
    if (!running || !sent_at || orders >= legs || n_held == HELD) { strays += running; send_all(c, out, n); return; }
    if (!orders++) first_at = read_at;
    last_at = read_at;
    held[n_held].of = (int)(c - connections);
    held[n_held].bytes = memcpy(malloc(n), out, n);
    held[n_held++].length = n;
    if (orders == legs) flush_held();
}

static void subscribe(Connection *c, const char *words, size_t length) {
    for (size_t k = 0; k < length && c->seen_used < SEEN; k++)
        if (words[k] != ' ') c->seen[c->seen_used++] = words[k];
    for (int k = 0; k < n_lines; k++)
        if (strchr("Fcs", lines[k].kind) && !strncmp(c->path, lines[k].path, strlen(lines[k].path)) && holds(c->seen, c->seen_used, lines[k].inside))
            c->streams[k / 64] |= 1ull << k % 64;
}

static void on_text(Connection *c, const char *text, size_t length, int64_t read_at) {
    for (int k = 0; k < n_lines; k++) {
        Line *line = &lines[k];
        if ((line->kind == ORDER || line->kind == FRAME) && !strcmp(line->method, "WS") && !strncmp(c->path, line->path, strlen(line->path)) && holds(text, length, line->inside)) {
            if (line->kind == ORDER) { on_order(c, line, text, length, read_at); return; }
            send_all(c, out, framed(line, text, length, out));
            break;
        }
    }
    subscribe(c, text, length);
}

/* The next whole frame at the front of the buffer, if there is one; how long it is. */
static size_t take_frame(Connection *c, int64_t read_at) {
    uint8_t *b = (uint8_t *)c->buffer;
    if (c->used < 2) return 0;
    size_t n = b[1] & 127, head = 2;
    if (n == 126) { if (c->used < 4) return 0; n = (size_t)b[2] << 8 | b[3]; head = 4; }
    else if (n == 127) { if (c->used < 10) return 0; n = 0; for (int k = 2; k < 10; k++) n = n << 8 | b[k]; head = 10; }
    int masked = b[1] >> 7, kind = b[0] & 15;
    if (c->used < head + 4 * masked + n) return 0;
    char *payload = c->buffer + head + 4 * masked;
    if (masked) for (size_t k = 0; k < n; k++) payload[k] ^= (char)b[head + k % 4];
    if (kind == 1 || kind == 2) on_text(c, payload, n, read_at);
    else if (kind == 9 && n < 126) {
        char pong[128] = {(char)0x8A, (char)n};
        memcpy(pong + 2, payload, n);
        send_all(c, pong, n + 2);
    } else if (kind == 8) { send_all(c, "\x88\0", 2); close(c->fd); c->fd = -1; }
    return head + 4 * masked + n;
}

static const char *header(const char *head, size_t length, const char *name) {
    for (const char *at = head; (at = memchr(at, '\n', length - (size_t)(at - head)));)
        if (!strncasecmp(++at, name, strlen(name))) { for (at += strlen(name); *at == ' ' || *at == ':';) at++; return at; }
    return NULL;
}

static size_t take_request(Connection *c, int64_t read_at) {
    char *end = c->used ? memmem(c->buffer, c->used, "\r\n\r\n", 4) : NULL;
    if (!end) return 0;
    size_t head = (size_t)(end - c->buffer) + 4;
    const char *said = header(c->buffer, head, "content-length"), *key = header(c->buffer, head, "sec-websocket-key");
    size_t whole = head + (said ? (size_t)atol(said) : 0);
    if (c->used < whole) return 0;
    char method[8] = {0}, path[4096] = {0};
    sscanf(c->buffer, "%7s %4095s", method, path);
    if (key) {
        uint8_t digest[20], text[128];
        char accept[32];
        int n = 0;
        while (!isspace((unsigned char)key[n]) && n < 64) n++;
        memcpy(text, key, (size_t)n);
        memcpy(text + n, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", 36);
        sha1(text, (size_t)n + 36, digest);
        base64(digest, 20, accept);
        n = sprintf(out, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", accept);
        send_all(c, out, (size_t)n);
        c->ws = 1;
        snprintf(c->path, sizeof c->path, "%.511s", path);
        subscribe(c, path, strlen(path));
        c->opened_at = read_at;
        return whole;
    }
    for (int k = 0; k < n_lines; k++) {
        Line *line = &lines[k];
        if ((line->kind == HTTP || line->kind == ORDER) && !strcmp(line->method, method) && !strncmp(path, line->path, strlen(line->path)) && holds(c->buffer, whole, line->inside)) {
            if (line->kind == ORDER) on_order(c, line, c->buffer, whole, read_at);
            else send_all(c, out, answered(line, c->buffer, whole, out));
            return whole;
        }
    }
    fprintf(stderr, "venue: nothing to say to %s %s %.*s\n", method, path, (int)(whole - head), c->buffer + head);
    send_all(c, "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}", 47);
    return whole;
}

static void hear(Connection *c) {
    if (c->used == ROOM) { fprintf(stderr, "venue: a message is too long\n"); exit(1); }
    ssize_t n = recv(c->fd, c->buffer + c->used, ROOM - c->used, 0);
    int64_t read_at = now_ns();
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) { close(c->fd); c->fd = -1; return; }
    c->used += (size_t)n;
    for (size_t took; c->fd >= 0 && (took = c->ws ? take_frame(c, read_at) : take_request(c, read_at));) {
        memmove(c->buffer, c->buffer + took, c->used - took);
        c->used -= took;
    }
}

static void hear_all(void) {
    struct sockaddr_in from;
    socklen_t size = sizeof from;
    int fd = accept4(listening, (struct sockaddr *)&from, &size, SOCK_NONBLOCK), one = 1;
    if (fd >= 0) {
        int k = 0;
        while (k < CONNECTIONS && connections[k].buffer && connections[k].fd >= 0) k++;
        if (k == CONNECTIONS) { fprintf(stderr, "venue: too many connections\n"); exit(1); }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        char *buffer = connections[k].buffer ? connections[k].buffer : malloc(ROOM), *seen = connections[k].seen ? connections[k].seen : malloc(SEEN);
        connections[k] = (Connection){.fd = fd, .buffer = buffer, .seen = seen};
    }
    for (int k = 0; k < CONNECTIONS; k++)
        if (connections[k].buffer && connections[k].fd >= 0) hear(&connections[k]);
}

/* Send a line's text to everyone who asked for it. */
static int tell(int k) {
    int told = 0;
    for (int j = 0; j < CONNECTIONS; j++)
        if (connections[j].buffer && connections[j].fd >= 0 && connections[j].ws && connections[j].streams[k / 64] >> k % 64 & 1) {
            size_t n = framed(&lines[k], NULL, 0, out);
            told++;
            if (lines[k].kind == FIRE && !sent_at) sent_at = now_ns();
            send_all(&connections[j], out, n);
        }
    return told;
}

/* A venue's greeting takes its way, so it comes a while after the handshake's answer. */
static void greet(void) {
    for (int j = 0; j < CONNECTIONS; j++) {
        Connection *c = &connections[j];
        if (!c->buffer || c->fd < 0 || !c->opened_at || now_ns() - c->opened_at < 100000000) continue;
        c->opened_at = 0;
        for (int k = 0; k < n_lines; k++)
            if (lines[k].kind == GREET && !strcmp(c->path, lines[k].path)) send_all(c, out, framed(&lines[k], NULL, 0, out));
    }
}

static void tell_all(char kind) {
    for (int k = 0; k < n_lines; k++) if (lines[k].kind == kind) tell(k);
}

/* Poll until `until`, or until `legs` orders are there; sockets that brought an order before are looked at first. */
static void poll_until(int64_t until, int for_orders) {
    for (unsigned turn = 0;; turn++) {
        for (int k = 0; k < CONNECTIONS; k++)
            if (connections[k].hot && connections[k].fd >= 0) hear(&connections[k]);
        if (turn % 64 == 0) hear_all();
        if (for_orders && orders >= legs) return;
        int64_t now = now_ns();
        if (now >= until) return;
        if (for_orders && orders && now - first_at > 50000000) return;
    }
}

static void read_script(const char *path) {
    char row[1024], kind[16], method[16], prefix[256], inside[256], name[512];
    FILE *file = fopen(path, "r");
    if (!file) die(path);
    while (fgets(row, sizeof row, file)) {
        if (sscanf(row, "legs\t%d", &legs) == 1) continue;
        if (sscanf(row, "%15[^\t]\t%15[^\t]\t%255[^\t]\t%255[^\t]\t%511[^\n]", kind, method, prefix, inside, name) != 5) continue;
        if (n_lines == LINES) { fprintf(stderr, "venue: too many lines\n"); exit(1); }
        Line *line = &lines[n_lines++];
        line->kind = !strcmp(kind, "fire") ? FIRE : kind[0];
        snprintf(line->method, sizeof line->method, "%.7s", method);
        snprintf(line->path, sizeof line->path, "%.127s", prefix);
        snprintf(line->inside, sizeof line->inside, "%.127s", inside);
        FILE *text = fopen(name, "r");
        if (!text) die(name);
        line->text = malloc(ROOM);
        line->length = fread(line->text, 1, ROOM - 1, text);
        line->text[line->length] = 0;
        fclose(text);
    }
    fclose(file);
}

int main(int count, char **words) {
    if (count != 5) { fprintf(stderr, "usage: venue SCRIPT TICKS SPACING_US CORE\n"); return 2; }
    read_script(words[1]);
    int ticks = atoi(words[2]);
    int64_t spacing = atoll(words[3]) * 1000, side_at = 0;
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET(atoi(words[4]), &cores);
    if (sched_setaffinity(0, sizeof cores, &cores)) fprintf(stderr, "venue: not pinned to core %s\n", words[4]);
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof here;
    listening = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (bind(listening, (struct sockaddr *)&here, size) || listen(listening, 64) || getsockname(listening, (struct sockaddr *)&here, &size)) die("listen");
    printf("port %d\n", ntohs(here.sin_port));
    fflush(stdout);
    fcntl(0, F_SETFL, O_NONBLOCK);

    int fires[LINES], n_fires = 0;
    for (int k = 0; k < n_lines; k++) if (lines[k].kind == FIRE) fires[n_fires++] = k;
    char word[16];
    for (int64_t calm_at = 0; !running;) {      /* until `go`: what a client needs to become ready */
        hear_all();
        greet();
        int64_t now = now_ns();
        if (now > calm_at) { tell_all(CALM); tell_all(SIDE); calm_at = now + 50000000; }
        ssize_t n = read(0, word, sizeof word);
        if (n == 0) return 1;
        running = n > 0;
        usleep(200);
    }
    int missed = 0;
    int64_t *first = malloc(sizeof *first * (size_t)ticks), *last = malloc(sizeof *last * (size_t)ticks);
    for (int k = 0; k < ticks; k++) {
        int64_t begun = now_ns();
        orders = 0;
        sent_at = first_at = last_at = 0;
        if (!tell(fires[k % n_fires])) { fprintf(stderr, "venue: nobody asked for ticks\n"); return 1; }
        poll_until(begun + 500000000, 1);
        flush_held();
        first[k] = orders ? first_at - sent_at : -1;
        missed = orders ? 0 : missed + 1;
        if (missed == 20) { fprintf(stderr, "venue: twenty ticks in a row brought no order\n"); return 1; }
        last[k] = orders >= legs ? last_at - sent_at : -1;
        poll_until(now_ns() + 200000, 0);       /* let it take the answers */
        tell_all(CALM);
        if (now_ns() > side_at) { tell_all(SIDE); side_at = now_ns() + 200000000; }
        int64_t next = now_ns() + 1000000;
        poll_until(begun + spacing > next ? begun + spacing : next, 0);
    }
    running = 0;
    for (int k = 0; k < ticks; k++) printf("%lld %lld\n", (long long)first[k], (long long)last[k]);
    printf("strays %d\n", strays);
    fflush(stdout);
    return 0;
}
