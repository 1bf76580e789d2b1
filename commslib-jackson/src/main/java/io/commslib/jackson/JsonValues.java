package io.commslib.jackson;

import io.commslib.core.CodecException;
import io.commslib.core.checks.Checks;
import io.commslib.core.format.BodyReader;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/** Finds the values at JSON pointers, in one pass over the tokens and without a tree. */
final class JsonValues implements BodyReader {

  /** JSON, but not what a format expects. */
  static final String UNEXPECTED = "COMMS-JACKSON-006";

  /** A step of the pointers: the steps below it, and the number of the pointer that ends here. */
  private static final class Step {
    final Map<String, Step> below = new HashMap<>();
    int pointer = -1;
  }

  private final JacksonCodec codec;

  JsonValues(JacksonCodec codec) {
    this.codec = Objects.requireNonNull(codec, "codec");
  }

  @Override
  public String contentType() {
    return codec.contentType();
  }

  @Override
  public boolean accepts(String contentType) {
    return isJson(contentType);
  }

  static boolean isJson(String contentType) {
    String type = contentType.toLowerCase(Locale.ROOT).split(";", 2)[0].strip();
    return type.endsWith("/json") || type.endsWith("+json");
  }

  @Override
  public Function<ByteBuffer, @Nullable String[]> finder(List<String> paths) {
    Step root = new Step();
    for (int i = 0; i < paths.size(); i++) {
      add(root, paths.get(i), i);
    }
    int count = paths.size();
    return body -> find(body, root, count);
  }

  private static void add(Step root, String pointer, int number) {
    Checks.check(
        pointer.startsWith("/"), "pointer", pointer, "a JSON pointer, which begins with a slash");
    Step step = root;
    for (String name : pointer.substring(1).split("/", -1)) {
      String plain = name.replace("~1", "/").replace("~0", "~");
      step = step.below.computeIfAbsent(plain, key -> new Step());
    }
    step.pointer = number;
  }

  private @Nullable String[] find(ByteBuffer body, Step root, int count) {
    @Nullable String[] values = new @Nullable String[count];
    try (JsonParser parser = codec.strictParser(body)) {
      if (parser.nextToken() == null) {
        throw codec.unreadable(body, "JSON: no value");
      }
      read(parser, root, values);
      if (parser.nextToken() != null) {
        throw codec.unreadable(body, "JSON: more than one value");
      }
    } catch (JacksonException e) {
      throw codec.unreadable(body, e);
    }
    return values;
  }

  /** Reads the current value; the parser's limit of depth bounds the recursion. */
  private static void read(JsonParser parser, Step step, @Nullable String[] values) {
    JsonToken token = parser.currentToken();
    if (step.pointer >= 0 && token != JsonToken.VALUE_NULL) {
      if (token.isStructStart()) {
        throw new CodecException(
            UNEXPECTED,
            "value at byte "
                + parser.currentTokenLocation().getByteOffset()
                + ": "
                + (token == JsonToken.START_OBJECT ? "an object" : "an array")
                + " (expected: a text, a number or a boolean, since the format reads it)",
            null);
      }
      values[step.pointer] = parser.getString();
    }
    if (!token.isStructStart()) {
      return;
    }
    if (step.below.isEmpty()) {
      parser.skipChildren();
      return;
    }
    if (token == JsonToken.START_OBJECT) {
      while (parser.nextToken() != JsonToken.END_OBJECT) {
        readBelow(parser, step.below.get(parser.currentName()), values);
      }
    } else {
      int index = 0;
      while (parser.nextToken() != JsonToken.END_ARRAY) {
        Step below = step.below.get(Integer.toString(index++));
        if (below == null) {
          parser.skipChildren();
        } else {
          read(parser, below, values);
        }
      }
    }
  }

  private static void readBelow(
      JsonParser parser, @Nullable Step below, @Nullable String[] values) {
    parser.nextToken();
    if (below == null) {
      parser.skipChildren();
    } else {
      read(parser, below, values);
    }
  }
}
