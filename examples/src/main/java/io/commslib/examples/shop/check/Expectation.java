package io.commslib.examples.shop.check;

import java.io.IOException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The expected figures of a file, computed from its bytes. Shares no class with the services and
 * computes differently: it parses with a pattern and adds integers of the smallest unit of price.
 * So a mistake in the services shows as a difference.
 */
public final class Expectation {

  /** One field, quoted or not, with the separator after it. */
  private static final Pattern FIELD =
      Pattern.compile("(\"(?:[^\"]|\"\")*+\"?[^,\\r\\n]*+|[^,\\n]*?)(,|\\r?\\n|\\z)");

  private static final class Bill {
    final String customer;
    final List<String[]> rows = new ArrayList<>();
    int negatives;

    Bill(String customer) {
      this.customer = customer;
    }
  }

  private final Map<String, Bill> bills = new TreeMap<>();
  private final Map<String, BigInteger> stockChange = new HashMap<>();
  private final Map<String, Object> figures = new TreeMap<>();
  private long orders;
  private long shipped;
  private long rejected;
  private long returns;
  private long refunded;
  private long parked;
  private long adjustments;
  private long rejectedLines;
  private BigDecimal charged = new BigDecimal("0.00");
  private BigDecimal refundedTotal = new BigDecimal("0.00");
  private BigInteger unitsShipped = BigInteger.ZERO;
  private BigInteger unitsRestocked = BigInteger.ZERO;
  private BigInteger unitsAdjusted = BigInteger.ZERO;

  private Expectation() {}

  /** Computes the expected figures of a file that is fed {@code repeat} times. */
  public static Expectation of(Path file, int repeat) throws IOException {
    return of(Files.readAllBytes(file), repeat);
  }

  static Expectation of(byte[] bytes, int repeat) {
    Expectation expectation = new Expectation();
    expectation.collect(text(bytes));
    expectation.bills.forEach(expectation::account);
    expectation.computeFigures(repeat);
    return expectation;
  }

  /** Decodes the file: valid UTF-8 is unchanged by a round trip, anything else is windows-1252. */
  private static String text(byte[] bytes) {
    String utf8 = new String(bytes, StandardCharsets.UTF_8);
    if (Arrays.equals(utf8.getBytes(StandardCharsets.UTF_8), bytes)) {
      return utf8.startsWith("\ufeff") ? utf8.substring(1) : utf8;
    }
    return new String(bytes, java.nio.charset.Charset.forName("windows-1252"));
  }

  private void collect(String text) {
    Matcher matcher = FIELD.matcher(text);
    List<String> row = new ArrayList<>();
    boolean header = true;
    int position = 0;
    while (position < text.length() && matcher.find(position)) {
      row.add(unquoted(matcher.group(1)));
      position = matcher.end();
      boolean last = matcher.group(2).equals(",") && position == text.length();
      if (last) {
        row.add("");
      }
      if (last || !matcher.group(2).equals(",")) {
        if (!header) {
          addRow(row.toArray(new String[0]));
        }
        header = false;
        row.clear();
      }
    }
  }

  private static String unquoted(String field) {
    if (!field.startsWith("\"")) {
      return field;
    }
    int close = 1;
    StringBuilder text = new StringBuilder();
    while (close < field.length()) {
      if (field.charAt(close) != '"') {
        text.append(field.charAt(close++));
      } else if (close + 1 < field.length() && field.charAt(close + 1) == '"') {
        text.append('"');
        close += 2;
      } else {
        return text + field.substring(close + 1);
      }
    }
    return text.toString();
  }

  private void addRow(String[] row) {
    boolean fits =
        row.length == 8
            && !row[0].isEmpty()
            && !row[1].isEmpty()
            && row[3].matches("[+-]?\\d{1,9}")
            && new BigInteger(row[3].replace("+", "")).signum() != 0
            && row[5].matches("\\d+(\\.\\d+)?");
    if (!fits) {
      rejectedLines++;
      return;
    }
    Bill bill = bills.computeIfAbsent(row[0], number -> new Bill(row[6]));
    bill.rows.add(row);
    bill.negatives += row[3].startsWith("-") ? 1 : 0;
  }

  private void account(String number, Bill bill) {
    if (bill.negatives != 0 && bill.negatives != bill.rows.size()) {
      rejectedLines += bill.rows.size();
      return;
    }
    boolean known = !bill.customer.isEmpty();
    if (number.startsWith("C")) {
      returns++;
      unitsRestocked = unitsRestocked.subtract(units(bill));
      changeStock(bill, -1);
      if (known) {
        refunded++;
        refundedTotal = refundedTotal.subtract(money(bill));
      } else {
        parked++;
      }
    } else if (bill.negatives != 0) {
      adjustments++;
      unitsAdjusted = unitsAdjusted.add(units(bill));
      changeStock(bill, 1);
    } else {
      orders++;
      if (known) {
        shipped++;
        charged = charged.add(money(bill));
        unitsShipped = unitsShipped.add(units(bill));
        changeStock(bill, -1);
      } else {
        rejected++;
        changeStock(bill, 0);
      }
    }
  }

  private void changeStock(Bill bill, int sign) {
    for (String[] row : bill.rows) {
      BigInteger pieces =
          new BigInteger(row[3].replace("+", "")).multiply(BigInteger.valueOf(sign));
      stockChange.merge(row[1], pieces, BigInteger::add);
    }
  }

  private static BigInteger units(Bill bill) {
    return bill.rows.stream()
        .map(row -> new BigInteger(row[3].replace("+", "")))
        .reduce(BigInteger.ZERO, BigInteger::add);
  }

  /**
   * Adds up in units of the smallest decimal place of the bill, then rounds half away from zero to
   * cents.
   */
  private static BigDecimal money(Bill bill) {
    int places = 2;
    for (String[] row : bill.rows) {
      int dot = row[5].indexOf('.');
      places = Math.max(places, dot < 0 ? 0 : row[5].length() - dot - 1);
    }
    BigInteger sum = BigInteger.ZERO;
    for (String[] row : bill.rows) {
      int dot = row[5].indexOf('.');
      int own = dot < 0 ? 0 : row[5].length() - dot - 1;
      BigInteger price =
          new BigInteger(row[5].replace(".", "")).multiply(BigInteger.TEN.pow(places - own));
      sum = sum.add(price.multiply(new BigInteger(row[3].replace("+", ""))));
    }
    return new BigDecimal(sum, places).setScale(2, RoundingMode.HALF_UP);
  }

  private void computeFigures(int repeat) {
    BigInteger times = BigInteger.valueOf(repeat);
    figures.put("orders", orders * repeat);
    figures.put("shipped", shipped * repeat);
    figures.put("rejected", rejected * repeat);
    figures.put("returns", returns * repeat);
    figures.put("refunded", refunded * repeat);
    figures.put("refundsParked", parked * repeat);
    figures.put("adjustments", adjustments * repeat);
    figures.put("rejectedLines", rejectedLines * repeat);
    figures.put("chargedTotal", charged.multiply(new BigDecimal(times)).toPlainString());
    figures.put("refundedTotal", refundedTotal.multiply(new BigDecimal(times)).toPlainString());
    figures.put("unitsShipped", unitsShipped.multiply(times).longValueExact());
    figures.put("unitsRestocked", unitsRestocked.multiply(times).longValueExact());
    figures.put("unitsAdjusted", unitsAdjusted.multiply(times).longValueExact());
    stockChange.replaceAll((article, change) -> change.multiply(times));
  }

  /** {@return the expected figures by name, counts as numbers and amounts as text} */
  public Map<String, Object> figures() {
    return Map.copyOf(figures);
  }

  /** {@return the expected change of the stock of each article in an accepted line} */
  Map<String, BigInteger> stockChange() {
    return stockChange;
  }
}
