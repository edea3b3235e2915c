// Writes the *.hex files of this folder with Kafka's own classes (made with kafka-clients 4.1.0):
//   java -cp 'LIB/*' Generate.java
import java.nio.ByteBuffer;
import java.nio.file.*;
import java.util.*;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.record.*;

public class Generate {
  static byte[] b(String s) { return s == null ? null : s.getBytes(); }
  static void write(String name, ByteBuffer buf) throws Exception {
    StringBuilder s = new StringBuilder();
    ByteBuffer d = buf.duplicate();
    int n = 0;
    while (d.hasRemaining()) { s.append(String.format("%02x", d.get())); if (++n % 48 == 0) s.append('\n'); }
    s.append('\n');
    Files.writeString(Path.of(name + ".hex"), s.toString());
  }
  static String lorem(int n) { StringBuilder s = new StringBuilder(); for (int i = 0; s.length() < n; i++) s.append("line ").append(i).append(" of a log; "); return s.substring(0, n); }
  static ByteBuffer build(byte magic, CompressionType type, TimestampType tt, boolean big) {
    MemoryRecordsBuilder m = MemoryRecords.builder(ByteBuffer.allocate(1024), magic, Compression.of(type).build(), tt, 40L, tt == TimestampType.LOG_APPEND_TIME ? 1700000009999L : -1L);
    Header[] none = org.apache.kafka.common.record.Record.EMPTY_HEADERS;
    long t = 1700000000000L;
    m.append(t, b("key"), b("value"), none);
    m.append(t + 5, null, b(""), none);
    m.append(t - 3, b(""), null, none);
    if (magic == 2) m.append(t + 1000, b("k"), b("with headers"), new Header[] { new RecordHeader("dup", b("1")), new RecordHeader("dup", b("2")), new RecordHeader("null", (byte[]) null), new RecordHeader("", b("")) });
    else m.append(t + 1000, b("k"), b("without headers"), none);
    m.append(t + 1001, b("long"), b(lorem(big ? 80000 : 300)), none);
    return m.build().buffer();
  }
  public static void main(String[] a) throws Exception {
    for (byte magic = 0; magic <= 2; magic++)
      for (CompressionType type : CompressionType.values()) {
        if (type == CompressionType.ZSTD && magic < 2) continue;
        write("v" + magic + "-" + type.name, build(magic, type, TimestampType.CREATE_TIME, false));
        if (magic > 0) write("v" + magic + "-" + type.name + "-log-append-time", build(magic, type, TimestampType.LOG_APPEND_TIME, false));
      }
    for (CompressionType type : CompressionType.values()) if (type != CompressionType.NONE) write("v2-" + type.name + "-big", build((byte) 2, type, TimestampType.CREATE_TIME, true));
    MemoryRecordsBuilder m = MemoryRecords.idempotentBuilder(ByteBuffer.allocate(1024), Compression.NONE, 7L, 4711L, (short) 3, 12);
    m.append(5L, b("a"), b("idempotent")); 
    write("v2-idempotent", m.build().buffer());
    ByteBuffer tx = ByteBuffer.allocate(1024);
    MemoryRecordsBuilder x = new MemoryRecordsBuilder(tx, (byte) 2, Compression.NONE, TimestampType.CREATE_TIME, 20L, -1L, 4712L, (short) 1, 0, true, false, 9, 1024);
    x.append(6L, b("a"), b("transactional"));
    write("v2-transactional", x.build().buffer());
    write("v2-commit-marker", MemoryRecords.withEndTransactionMarker(21L, 1700000000000L, 9, 4712L, (short) 1, new EndTransactionMarker(ControlRecordType.COMMIT, 33)).buffer());
    write("v2-abort-marker", MemoryRecords.withEndTransactionMarker(22L, 1700000000000L, 9, 4712L, (short) 1, new EndTransactionMarker(ControlRecordType.ABORT, 34)).buffer());
  }
}
