// Programs of the same command line as their neighbours in Rust, on clients written in Go.
package main

import (
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"sort"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// line is what every program of this folder can be told.
type line struct {
	brokers    string
	topic      string
	group      string
	codec      string
	api        string
	mode       string
	records    int
	size       int
	keys       int
	partitions int
	strategy   string
	want       int
	defaults   bool
}

func parse() (string, line) {
	var l line
	client := flag.String("client", "franz-go", "franz-go or kafka-go")
	acks := flag.String("acks", "all", "only all")
	flag.StringVar(&l.brokers, "brokers", "127.0.0.1:9092", "host:port of some brokers")
	flag.StringVar(&l.topic, "topic", "peers", "a topic that exists")
	flag.StringVar(&l.group, "group", "", "consume as a member of this group")
	flag.StringVar(&l.codec, "codec", "none", "none, gzip, snappy, lz4 or zstd")
	flag.StringVar(&l.api, "api", "", "calls: kafka-go writes slices of 1,000 one after another")
	flag.StringVar(&l.mode, "mode", "produce", "produce, consume, latency, end-to-end, start, receive or member")
	flag.StringVar(&l.strategy, "strategy", "cooperative", "eager or cooperative")
	flag.IntVar(&l.want, "want", 1, "of how many partitions a member must have records to be ready")
	flag.IntVar(&l.records, "records", 1_000_000, "how many")
	flag.IntVar(&l.size, "size", 100, "bytes of each value")
	flag.IntVar(&l.keys, "keys", 0, "different keys; 0 for records without one")
	flag.IntVar(&l.partitions, "partitions", 6, "partitions of the topic")
	flag.BoolVar(&l.defaults, "defaults", false, "configure nothing but brokers, topic, group and acks")
	flag.Parse()
	if *acks != "all" {
		log.Fatal("only --acks all is measured")
	}
	return *client, l
}

// words make text that a codec can shorten, but not to nothing.
var words = strings.Fields(`order customer invoice payment shipped pending failed retry region cluster leader offset
	broker partition record header timestamp producer consumer group member session commit fetch batch request
	response latency warning info error debug trace user account login token price amount currency total item
	basket stock warehouse carrier parcel address street city country phone email status created updated deleted
	true false null zero one two`)

const payloadBytes = 1 << 20

// payload holds values of one size, taken one after another from one text.
type payload struct {
	text []byte
	size int
}

func newPayload(size int) payload {
	state := uint64(0x9e3779b97f4a7c15)
	text := make([]byte, 0, payloadBytes+size+16)
	for len(text) < payloadBytes+size {
		state ^= state << 13
		state ^= state >> 7
		state ^= state << 17
		text = append(text, words[(state>>32)%uint64(len(words))]...)
		text = append(text, ' ')
	}
	return payload{text, size}
}

func (p payload) value(number int) []byte {
	start := number * p.size % payloadBytes
	return p.text[start : start+p.size]
}

// allKeys are the keys of the run; a record's is that at its number modulo their count.
func (l line) allKeys() [][]byte {
	keys := make([][]byte, l.keys)
	for i := range keys {
		keys[i] = fmt.Appendf(nil, "k%07d", i)
	}
	return keys
}

// meter tells what happened since it was started.
type meter struct {
	begun time.Time
	cpu   time.Duration
	times []time.Duration
}

func startMeter() *meter {
	return &meter{begun: time.Now(), cpu: cpuTime()}
}

func (m *meter) note(took time.Duration) { m.times = append(m.times, took) }

func (m *meter) finish(client string, records, bytes, warmUp int) {
	wall := time.Since(m.begun).Seconds()
	cpu := (cpuTime() - m.cpu).Seconds()
	sort.Slice(m.times, func(a, b int) bool { return m.times[a] < m.times[b] })
	at := func(share float64) int64 {
		if len(m.times) == 0 {
			return 0
		}
		return m.times[int(share*float64(len(m.times)-1))].Microseconds()
	}
	out, err := json.Marshal(map[string]any{
		"client": client, "records": records, "bytes": bytes, "warm_up": warmUp, "wall_s": wall, "cpu_s": cpu,
		"max_rss_kb": peakMemory(), "p50_us": at(0.5), "p99_us": at(0.99),
	})
	check(err)
	fmt.Println(string(out))
}

func cpuTime() time.Duration {
	var usage syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// peakMemory is the largest resident size in kB, of this program alone: what getrusage tells may be that of whoever
// started it.
func peakMemory() int {
	status, err := os.ReadFile("/proc/self/status")
	check(err)
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	kilobytes, err := strconv.Atoi(strings.Fields(after)[0])
	check(err)
	return kilobytes
}

// beforeStamps is how many stamped records a receiver lets pass before it measures.
const beforeStamps = 50

// age is how long ago another process of this machine stamped the value.
func age(value []byte) time.Duration {
	return time.Duration(time.Now().UnixNano() - int64(binary.BigEndian.Uint64(value)))
}

// diary is what a member of a group received, partition by partition. When standard input ends, it is told as a line
// of JSON and the process ends.
type diary struct {
	sync.Mutex
	pages map[int]*page
	want  int
}

// page holds nanoseconds since 1970, how old the first record was, and the longest pause since the member was ready: the
// time between two receipts, but not longer than the second of them is old, for when nothing was written nothing could come.
type page struct {
	First   int64 `json:"first_ns"`
	Age     int64 `json:"age_ns"`
	Last    int64 `json:"last_ns"`
	Longest int64 `json:"longest_ns"`
}

func openDiary(l line) *diary {
	d := &diary{pages: map[int]*page{}, want: l.want}
	go func() {
		_, err := io.Copy(io.Discard, os.Stdin)
		check(err)
		d.Lock()
		out, err := json.Marshal(d.pages)
		check(err)
		fmt.Println(string(out))
		os.Exit(0)
	}()
	return d
}

func (d *diary) note(partition int, value []byte) {
	now, old := time.Now().UnixNano(), age(value).Nanoseconds()
	d.Lock()
	defer d.Unlock()
	p := d.pages[partition]
	if p == nil {
		p = &page{First: now, Age: old, Last: now}
		d.pages[partition] = p
	}
	if d.want == 0 {
		p.Longest = max(p.Longest, min(now-p.Last, old))
	}
	p.Last = now
	if d.want > 0 && len(d.pages) >= d.want {
		d.want = 0
		fmt.Println("ready")
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	name, l := parse()
	clients := map[string]map[string]func(line){"franz-go": franz, "kafka-go": segmentio}
	run, known := clients[name][l.mode]
	if !known {
		log.Fatalf("%s has no mode %s", name, l.mode)
	}
	run(l)
}
