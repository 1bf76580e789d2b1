package io.commslib.examples.shop.check;

import java.math.BigInteger;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Compares the figures of the shop with those of the file. */
public final class ShopCheck {

  private static final List<String> ZERO = List.of("lost", "duplicateEffects", "outOfOrder");
  private static final int MAX_SHOWN = 10;

  private ShopCheck() {}

  /** Returns a description of every difference. */
  public static List<String> differences(
      Expectation expected, Map<String, Object> found, ShopReader reader, int repeat)
      throws SQLException {
    List<String> differences = new ArrayList<>();
    expected
        .figures()
        .forEach(
            (name, value) -> {
              if (!String.valueOf(value).equals(String.valueOf(found.get(name)))) {
                differences.add(name + ": " + found.get(name) + " (expected: " + value + ")");
              }
            });
    for (String name : ZERO) {
      if (!found.get(name).equals(0L)) {
        differences.add(name + ": " + found.get(name) + " (expected: 0)");
      }
    }
    addStock(
        differences,
        expected.stockChange(),
        reader.stock(),
        BigInteger.valueOf(1_000_000L * repeat));
    return differences;
  }

  private static void addStock(
      List<String> differences,
      Map<String, BigInteger> change,
      Map<String, BigInteger> stock,
      BigInteger start) {
    int wrong = 0;
    for (Map.Entry<String, BigInteger> entry : change.entrySet()) {
      BigInteger expected = start.add(entry.getValue());
      BigInteger found = stock.remove(entry.getKey());
      if (!expected.equals(found) && ++wrong <= MAX_SHOWN) {
        differences.add(
            "stock of " + entry.getKey() + ": " + found + " (expected: " + expected + ")");
      }
    }
    stock.forEach(
        (article, pieces) ->
            differences.add(
                "stock of " + article + ": " + pieces + " (expected: no such article)"));
    if (wrong > MAX_SHOWN) {
      differences.add("stock of " + (wrong - MAX_SHOWN) + " more articles differs");
    }
  }
}
