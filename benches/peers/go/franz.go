package main

import (
	"context"
	"fmt"
	"log"
	"strings"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

var franz = map[string]func(line){
	"produce": franzProduce, "consume": franzConsume, "latency": franzLatency, "end-to-end": franzEndToEnd,
	"start": franzStart, "receive": franzReceive, "member": franzMember,
}

// slab is how many records are allocated at once.
const slab = 1000

func franzClient(l line, more ...kgo.Opt) *kgo.Client {
	options := append([]kgo.Opt{kgo.SeedBrokers(strings.Split(l.brokers, ",")...)}, more...)
	client, err := kgo.NewClient(options...)
	check(err)
	return client
}

func franzProducer(l line, linger time.Duration) *kgo.Client {
	options := []kgo.Opt{kgo.DefaultProduceTopic(l.topic)}
	if !l.defaults {
		options = append(options, kgo.ProducerBatchCompression(franzCodec(l.codec)), kgo.ProducerLinger(linger),
			kgo.ProducerBatchMaxBytes(1_000_000), kgo.MaxBufferedRecords(200_000))
	}
	return franzClient(l, options...)
}

func franzCodec(name string) kgo.CompressionCodec {
	switch name {
	case "none":
		return kgo.NoCompression()
	case "gzip":
		return kgo.GzipCompression()
	case "snappy":
		return kgo.SnappyCompression()
	case "lz4":
		return kgo.Lz4Compression()
	case "zstd":
		return kgo.ZstdCompression()
	}
	log.Fatalf("unknown codec %s", name)
	return kgo.NoCompression()
}

func franzConsumer(l line) *kgo.Client {
	options := []kgo.Opt{kgo.ConsumeTopics(l.topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart())}
	if l.group != "" {
		options = append(options, kgo.ConsumerGroup(l.group))
	}
	if l.mode == "member" && l.strategy == "eager" {
		options = append(options, kgo.Balancers(kgo.RangeBalancer()))
	}
	return franzClient(l, options...)
}

func franzProduce(l line) {
	client := franzProducer(l, 5*time.Millisecond)
	ctx := context.Background()
	check(client.ProduceSync(ctx, kgo.SliceRecord([]byte("warm-up"))).FirstErr())
	values, keys := newPayload(l.size), l.allKeys()
	m := startMeter()
	var acknowledged atomic.Int64
	promise := func(_ *kgo.Record, err error) {
		check(err)
		acknowledged.Add(1)
	}
	for first := 0; first < l.records; first += slab {
		records := make([]kgo.Record, min(slab, l.records-first))
		for i := range records {
			records[i].Value = values.value(first + i)
			if len(keys) > 0 {
				records[i].Key = keys[(first+i)%len(keys)]
			}
			client.Produce(ctx, &records[i], promise)
		}
	}
	check(client.Flush(ctx))
	m.finish("franz-go", int(acknowledged.Load()), l.records*l.size, 1)
}

func franzConsume(l line) {
	m := startMeter()
	client := franzConsumer(l)
	records, bytes, touched := 0, 0, 0
	for records < l.records {
		fetches := client.PollFetches(context.Background())
		check(fetches.Err())
		fetches.EachRecord(func(r *kgo.Record) {
			records++
			bytes += len(r.Value)
			touched += touch(r.Key) + touch(r.Value)
		})
	}
	sink = touched
	m.finish("franz-go", records, bytes, 0)
}

// sink keeps what was added up from being optimised away.
var sink int

// touch reads the last byte, as the other programs do.
func touch(bytes []byte) int {
	if len(bytes) == 0 {
		return 0
	}
	return int(bytes[len(bytes)-1])
}

const warmUp = 200

func franzLatency(l line) {
	client := franzProducer(l, 0)
	values := newPayload(l.size)
	write := func(number int) {
		record := kgo.SliceRecord(values.value(number))
		check(client.ProduceSync(context.Background(), record).FirstErr())
	}
	for number := range warmUp {
		write(number)
	}
	m := startMeter()
	for number := range l.records {
		begun := time.Now()
		write(number)
		m.note(time.Since(begun))
	}
	m.finish("franz-go", l.records, l.records*l.size, warmUp)
}

func franzEndToEnd(l line) {
	producer, consumer := franzProducer(l, 0), franzConsumer(l)
	values := newPayload(l.size)
	pass := func(number int) {
		check(producer.ProduceSync(context.Background(), kgo.SliceRecord(values.value(number))).FirstErr())
	}
	received := make(chan time.Time, 16)
	go func() {
		for {
			fetches := consumer.PollFetches(context.Background())
			now := time.Now()
			check(fetches.Err())
			fetches.EachRecord(func(*kgo.Record) { received <- now })
		}
	}()
	timed := func(number int) time.Duration {
		begun := time.Now()
		pass(number)
		return (<-received).Sub(begun)
	}
	for number := range warmUp {
		timed(number)
	}
	m := startMeter()
	for number := range l.records {
		m.note(timed(number))
	}
	m.finish("franz-go", l.records, l.records*l.size, warmUp)
}

func franzStart(l line) {
	client := franzConsumer(l)
	for {
		fetches := client.PollFetches(context.Background())
		check(fetches.Err())
		if fetches.NumRecords() > 0 {
			fmt.Println("first")
			return
		}
	}
}

func franzReceive(l line) {
	client := franzConsumer(l)
	m := startMeter()
	for number := 0; number < beforeStamps+l.records; {
		fetches := client.PollFetches(context.Background())
		check(fetches.Err())
		fetches.EachRecord(func(r *kgo.Record) {
			if number++; number > beforeStamps && number <= beforeStamps+l.records {
				m.note(age(r.Value))
			}
		})
	}
	m.finish("franz-go", l.records, l.records*l.size, 0)
}

func franzMember(l line) {
	client, d := franzConsumer(l), openDiary(l)
	for {
		fetches := client.PollFetches(context.Background())
		check(fetches.Err())
		fetches.EachRecord(func(r *kgo.Record) { d.note(int(r.Partition), r.Value) })
	}
}
