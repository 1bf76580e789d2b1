package io.commslib.core.messaging;

import java.nio.charset.StandardCharsets;
import java.util.AbstractMap;
import java.util.AbstractSet;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.Set;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The headers of one record in one array. A value may be kept as the received UTF-8 bytes, which
 * are decoded when it is first read. Immutable for its readers; thread-safe.
 */
public final class HeaderTexts extends AbstractMap<String, String> {

  private static final HeaderTexts EMPTY = new HeaderTexts(new Object[0], 0);

  /** Up to this number of headers, comparing each name is cheaper than hashing. */
  private static final int MAX_LINEAR = 24;

  /** Name, value, name, value ...; a value is a String or, until it is first read, its bytes. */
  private final Object[] cells;

  private final int count;
  private @Nullable Map<String, Integer> index;

  private HeaderTexts(Object[] cells, int count) {
    this.cells = cells;
    this.count = count;
  }

  /**
   * Starts an empty set of headers.
   *
   * @param expected approximate number of headers
   * @return new builder
   */
  public static Builder builder(int expected) {
    return new Builder(expected);
  }

  /**
   * Copies a map.
   *
   * @param headers the map, copied unless it is of this class
   * @return headers in the map's order
   */
  public static HeaderTexts copyOf(Map<String, String> headers) {
    if (headers instanceof HeaderTexts same) {
      return same;
    }
    if (headers.isEmpty()) {
      return EMPTY;
    }
    Object[] cells = new Object[headers.size() * 2];
    int at = 0;
    for (Map.Entry<String, String> header : headers.entrySet()) {
      cells[at++] = Objects.requireNonNull(header.getKey(), "header name");
      cells[at++] = Objects.requireNonNull(header.getValue(), "header value");
    }
    return new HeaderTexts(cells, at / 2);
  }

  @Override
  public int size() {
    return count;
  }

  @Override
  public @Nullable String get(@Nullable Object name) {
    int at = find(name);
    return at < 0 ? null : value(at);
  }

  @Override
  public boolean containsKey(@Nullable Object name) {
    return find(name) >= 0;
  }

  /**
   * Returns the index of a header.
   *
   * @param name its name
   * @return 0 or more, or -1 if there is none
   */
  public int find(@Nullable Object name) {
    if (count > MAX_LINEAR) {
      return index().getOrDefault(name, -1);
    }
    for (int i = 0; i < count; i++) {
      if (cells[2 * i].equals(name)) {
        return i;
      }
    }
    return -1;
  }

  private Map<String, Integer> index() {
    Map<String, Integer> known = index;
    if (known == null) {
      known = new HashMap<>(count * 2);
      for (int i = 0; i < count; i++) {
        known.put(name(i), i);
      }
      index = known;
    }
    return known;
  }

  /**
   * Returns a name.
   *
   * @param at index of the header, from 0
   * @return its name
   */
  public String name(int at) {
    return (String) cells[2 * at];
  }

  /**
   * Returns a value without decoding it.
   *
   * @param at index of the header, from 0
   * @return a String, or the received bytes that have not been decoded; must not be changed
   */
  public Object raw(int at) {
    return cells[2 * at + 1];
  }

  /**
   * Returns a value as text.
   *
   * @param at index of the header, from 0
   * @return its text; invalid UTF-8 is replaced by U+FFFD
   */
  public String value(int at) {
    Object value = cells[2 * at + 1];
    if (value instanceof String text) {
      return text;
    }
    // A benign race: concurrent readers write equal, immutable values.
    String text = new String((byte[]) value, StandardCharsets.UTF_8);
    cells[2 * at + 1] = text;
    return text;
  }

  /** {@return the length of all names and values; values not yet decoded count in bytes} */
  public int length() {
    int length = 0;
    for (int i = 0; i < count; i++) {
      length += name(i).length() + length(raw(i));
    }
    return length;
  }

  @Override
  public Set<Map.Entry<String, String>> entrySet() {
    return new AbstractSet<>() {
      @Override
      public int size() {
        return count;
      }

      @Override
      public Iterator<Map.Entry<String, String>> iterator() {
        return new Entries();
      }
    };
  }

  @Override
  public void forEach(BiConsumer<? super String, ? super String> action) {
    for (int i = 0; i < count; i++) {
      action.accept(name(i), value(i));
    }
  }

  private static int length(Object value) {
    return value instanceof String text ? text.length() : ((byte[]) value).length;
  }

  private final class Entries implements Iterator<Map.Entry<String, String>> {
    private int next;

    @Override
    public boolean hasNext() {
      return next < count;
    }

    @Override
    public Map.Entry<String, String> next() {
      if (next >= count) {
        throw new NoSuchElementException();
      }
      int at = next++;
      return Map.entry(name(at), value(at));
    }
  }

  /**
   * Collects headers in wire order; of several with the same name the first is kept. Not
   * thread-safe; builds once.
   */
  public static final class Builder {
    private Object[] cells;
    private int count;
    private @Nullable Map<String, Integer> names;

    private Builder(int expected) {
      this.cells = new Object[Math.max(1, Math.min(expected, 1_000)) * 2];
    }

    /**
     * Adds a header unless one with the same name was added before.
     *
     * @param name its name
     * @param value its text
     * @return this
     */
    public Builder add(String name, String value) {
      return addCell(name, Objects.requireNonNull(value, "value"));
    }

    /**
     * Adds a header unless one with the same name was added before.
     *
     * @param name its name
     * @param utf8 its text in UTF-8, not copied; must not be changed afterwards
     * @return this
     */
    public Builder add(String name, byte[] utf8) {
      return addCell(name, Objects.requireNonNull(utf8, "utf8"));
    }

    private Builder addCell(String name, Object value) {
      Objects.requireNonNull(name, "name");
      if (!isTaken(name)) {
        if (2 * count == cells.length) {
          cells = Arrays.copyOf(cells, cells.length * 2);
        }
        cells[2 * count] = name;
        cells[2 * count + 1] = value;
        count++;
      }
      return this;
    }

    private boolean isTaken(String name) {
      if (count >= MAX_LINEAR) {
        return indexed().putIfAbsent(name, count) != null;
      }
      for (int i = 0; i < count; i++) {
        if (cells[2 * i].equals(name)) {
          return true;
        }
      }
      return false;
    }

    /** Bounds the cost of any number of headers, which the sender chooses. */
    private Map<String, Integer> indexed() {
      Map<String, Integer> known = names;
      if (known == null) {
        known = new HashMap<>();
        for (int i = 0; i < count; i++) {
          known.put((String) cells[2 * i], i);
        }
        names = known;
      }
      return known;
    }

    /** {@return the headers; the builder must not be used afterwards} */
    public HeaderTexts build() {
      return count == 0 ? EMPTY : new HeaderTexts(cells, count);
    }
  }
}
