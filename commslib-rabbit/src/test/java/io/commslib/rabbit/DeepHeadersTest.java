package io.commslib.rabbit;

import static org.assertj.core.api.Assertions.assertThat;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.LongString;
import com.rabbitmq.client.impl.ContentHeaderPropertyWriter;
import com.rabbitmq.client.impl.LongStringHelper;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Date;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DeepHeadersTest {

  /** Bytes for weight and length of the body, as the client writes them. */
  private static final int FLAGS_AT = 10;

  private static final byte[] MARKED = "deep-value:Fforged".getBytes(StandardCharsets.US_ASCII);

  @ParameterizedTest
  @ValueSource(ints = {1, 31, 32})
  void headersThatTheClientReadsAreNotChanged(int depth) throws Exception {
    byte[] encoded = encoded(Map.of("h", tables(depth)));
    assertThat(DeepHeaders.readable(encoded, FLAGS_AT)).isSameAs(encoded);
    AMQP.BasicProperties read = read(encoded);
    assertThat(DeepHeaders.restored(read)).isSameAs(read);
  }

  @ParameterizedTest
  @ValueSource(ints = {33, 34, 64, 65, 66, 100, DeepHeaders.MAX_DEPTH})
  void deeperHeadersAreReadAsTheyWereSent(int depth) throws Exception {
    for (Object value : List.of(tables(depth), lists(depth), mixed(depth))) {
      Map<String, Object> headers = Map.of("a", "before", "h", value, "z", everyType());
      Map<String, Object> read = roundTrip(headers);
      assertThat(text(read)).isEqualTo(text(headers));
      assertThat(text(roundTrip(read))).isEqualTo(text(headers));
    }
  }

  @Test
  void belowTheBoundTheBytesAreKept() throws Exception {
    Object value = roundTrip(Map.of("h", tables(DeepHeaders.MAX_DEPTH + 20))).get("h");
    int depth = 0;
    while (value instanceof Map<?, ?> table) {
      depth++;
      value = table.get("d");
    }
    assertThat(depth).isEqualTo(DeepHeaders.MAX_DEPTH);
    assertThat(value).isInstanceOf(byte[].class);
    assertThat((byte[]) value).isNotEmpty();
  }

  @Test
  void bytesThatLookLikeChangedOnesStayWhatTheyAre() throws Exception {
    for (int depth : new int[] {0, 1, 32, 33, 50}) {
      Object value = MARKED;
      for (int i = 0; i < depth; i++) {
        value = Arrays.asList("x", value);
      }
      Map<String, Object> headers = Map.of("h", value);
      assertThat(text(roundTrip(headers))).isEqualTo(text(headers));
    }
  }

  @Test
  void headersOfAnUnknownTypeAreReadAsBytes() throws Exception {
    byte[] encoded = encoded(Map.of("h", 7));
    int type = encoded.length - Integer.BYTES - 1;
    assertThat(encoded[type]).isEqualTo((byte) 'I');
    encoded[type] = 'Q';
    AMQP.BasicProperties read = read(DeepHeaders.readable(encoded, FLAGS_AT));
    assertThat(read.getContentType()).isEqualTo("text/plain");
    assertThat(read.getHeaders()).containsOnlyKeys(DeepHeaders.UNREADABLE);
    assertThat((byte[]) read.getHeaders().get(DeepHeaders.UNREADABLE))
        .containsExactly(1, 'h', 'Q', 0, 0, 0, 7);
  }

  @Test
  void propertiesWithoutHeadersAreNotChanged() throws Exception {
    for (Map<String, Object> headers : Arrays.asList(null, Map.<String, Object>of())) {
      byte[] encoded = encoded(headers);
      assertThat(DeepHeaders.readable(encoded, FLAGS_AT)).isSameAs(encoded);
    }
  }

  private static Map<String, Object> everyType() {
    Map<String, Object> all = new HashMap<>();
    List<Object> values =
        Arrays.asList(
            "text",
            true,
            (byte) 1,
            (short) 2,
            3,
            4L,
            1.5f,
            2.5d,
            new BigDecimal("1.25"),
            new Date(1_000),
            new byte[] {1, 2},
            null,
            List.of(),
            Map.of());
    all.put("list", values);
    for (int i = 0; i < values.size(); i++) {
      all.put("h" + i, values.get(i));
    }
    return all;
  }

  /** {@return a value with as many tables in each other} */
  private static Object tables(int depth) {
    Object value = "bottom";
    for (int i = 0; i < depth; i++) {
      Map<String, Object> table = new HashMap<>();
      table.put("d", value);
      table.put("e", 1);
      value = table;
    }
    return value;
  }

  private static Object lists(int depth) {
    Object value = "bottom";
    for (int i = 0; i < depth; i++) {
      value = Arrays.asList(value, null, 1L);
    }
    return value;
  }

  private static Object mixed(int depth) {
    Object value = everyType();
    for (int i = 3; i < depth; i++) {
      value = i % 2 == 0 ? Arrays.asList(1, value) : Map.of("m", value);
    }
    return value;
  }

  private static Map<String, Object> roundTrip(Map<String, Object> headers) throws IOException {
    return DeepHeaders.restored(read(DeepHeaders.readable(encoded(headers), FLAGS_AT)))
        .getHeaders();
  }

  private static byte[] encoded(Map<String, Object> headers) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    DataOutputStream out = new DataOutputStream(bytes);
    out.writeShort(0);
    out.writeLong(0);
    new AMQP.BasicProperties.Builder()
        .contentType("text/plain")
        .contentEncoding("gzip")
        .headers(headers)
        .build()
        .writePropertiesTo(new ContentHeaderPropertyWriter(out));
    return bytes.toByteArray();
  }

  private static AMQP.BasicProperties read(byte[] encoded) throws IOException {
    return new AMQP.BasicProperties(new DataInputStream(new ByteArrayInputStream(encoded)));
  }

  /** {@return a text that shows values with their types} */
  private static String text(Object value) {
    if (value instanceof Map<?, ?> table) {
      List<String> items = new ArrayList<>();
      table.forEach((name, item) -> items.add(name + "=" + text(item)));
      items.sort(null);
      return items.toString();
    }
    if (value instanceof List<?> list) {
      return "list" + list.stream().map(DeepHeadersTest::text).toList();
    }
    if (value instanceof LongString bytes) {
      return "text " + Arrays.toString(bytes.getBytes());
    }
    if (value instanceof String text) {
      return text(LongStringHelper.asLongString(text));
    }
    if (value instanceof byte[] bytes) {
      return "bytes" + Arrays.toString(bytes);
    }
    return value == null ? "void" : value.getClass().getSimpleName() + value;
  }
}
