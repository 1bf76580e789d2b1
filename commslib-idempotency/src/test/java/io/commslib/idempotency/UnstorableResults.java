package io.commslib.idempotency;

import io.commslib.core.idempotency.StoredResult;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/** Results that a store can't store in full, or that are close to the limit. */
enum UnstorableResults {
  LARGE_BODY(result(201, "a/b", StoredResult.MAX_BODY_BYTES + 1, Map.of())),
  VERY_LARGE_BODY(result(201, "a/b", 4_000_000, Map.of())),
  MANY_HEADERS(result(201, "a/b", 1, headers(StoredResult.MAX_HEADERS + 1, "h", "v"))),
  LONG_HEADER_NAME(result(201, "a/b", 1, Map.of(tooLong(), "v"))),
  LONG_HEADER_VALUE(result(201, "a/b", 1, Map.of("h", tooLong()))),
  LONG_CONTENT_TYPE(result(201, tooLong(), 1, Map.of())),
  NUL_IN_CONTENT_TYPE(result(201, "a/b\0", 1, Map.of())),
  NUL_IN_HEADER_NAME(result(201, "a/b", 1, Map.of("h\0", "v"))),
  NUL_IN_HEADER_VALUE(result(201, "a/b", 1, Map.of("h", "\0"))),
  HALF_A_PAIR_IN_CONTENT_TYPE(result(201, "a/\ud83d", 1, Map.of())),
  HALF_A_PAIR_IN_HEADER_NAME(result(201, "a/b", 1, Map.of("\udc00", "v"))),
  HALF_A_PAIR_IN_HEADER_VALUE(result(201, "a/b", 1, Map.of("h", "x\ud83dx"))),
  /** Headers that are each within their limits, but in a row exceed a database's column. */
  MUCH_TEXT_IN_HEADERS(
      result(201, "a/b", 1, headers(StoredResult.MAX_HEADERS, "\u6f22".repeat(2_040), "\u5b57")),
      Kept.WHERE_THERE_IS_ROOM),
  NEGATIVE_STATUS(result(-1, "a/b", 1, Map.of()), Kept.WHOLE),
  LARGE_STATUS(result(1_000, "a/b", 1, Map.of()), Kept.WHOLE),
  LARGEST_STATUS(result(Integer.MAX_VALUE, "a/b", 1, Map.of()), Kept.WHOLE),
  SERVER_ERROR(result(500, "a/b", StoredResult.MAX_BODY_BYTES + 1, Map.of())),
  EMOJI(result(201, "a/b", 1, Map.of("h", "\ud83d\ude00")), Kept.WHOLE);

  /** Returns the stored form. */
  enum Kept {
    WHOLE,
    SHORT,
    WHERE_THERE_IS_ROOM
  }

  final StoredResult result;
  final Kept kept;

  UnstorableResults(StoredResult result) {
    this(result, Kept.SHORT);
  }

  UnstorableResults(StoredResult result, Kept kept) {
    this.result = result;
    this.kept = kept;
  }

  private static StoredResult result(
      int status, String contentType, int bytes, Map<String, String> headers) {
    return new StoredResult(status, contentType, new byte[bytes], headers);
  }

  private static String tooLong() {
    return "x".repeat(StoredResult.MAX_HEADER_CHARS + 1);
  }

  private static Map<String, String> headers(int count, String name, String value) {
    Map<String, String> headers = new LinkedHashMap<>();
    for (int i = 0; i < count; i++) {
      headers.put(name + i, value.repeat(value.length() > 1 ? 1 : 1_500));
    }
    return headers;
  }

  static boolean isShort(StoredResult result) {
    return result.contentType().equals("application/problem+json")
        && new String(result.body(), StandardCharsets.UTF_8)
            .startsWith(
                "{\"type\":\"about:blank\",\"title\":\"The answer was not kept\",\"status\":"
                    + result.status()
                    + ",\"detail\":\"The request was carried out once. Its answer was not kept: ")
        && new String(result.body(), StandardCharsets.UTF_8)
            .endsWith(".\",\"code\":\"COMMS-IDEMPOTENCY-004\"}");
  }
}
