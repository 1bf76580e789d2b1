package io.commslib.examples.shop.check;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class ExpectationTest {

  private static final String HEADER =
      "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n";

  private static Expectation of(String lines, int repeat) {
    return Expectation.of((HEADER + lines).getBytes(StandardCharsets.UTF_8), repeat);
  }

  @Test
  void roundsEachOrderOnceHalfUp() {
    Expectation expected =
        of("1,A,d,1,t,0.0025,c,UK\n1,B,d,1,t,0.0025,c,UK\n2,A,d,1,t,0.004,c,UK\n", 1);
    assertThat(expected.figures())
        .containsEntry("chargedTotal", "0.01")
        .containsEntry("shipped", 2L);
  }

  @Test
  void noMoneyHasCentsToo() {
    assertThat(of("1,A,d,1,t,1.5,,UK\n", 1).figures())
        .containsEntry("chargedTotal", "0.00")
        .containsEntry("refundedTotal", "0.00");
  }

  @Test
  void multipliesEveryCountByTheRepetitions() {
    Expectation expected =
        of(
            "1,A,d,3,t,1.5,c,UK\n2,A,d,1,t,1,,UK\nC3,A,d,-2,t,1.5,c,UK\nC4,A,d,-1,t,1,,UK\n5,A,d,-4,t,0,,UK\nbad\n",
            3);
    assertThat(expected.figures())
        .containsEntry("orders", 6L)
        .containsEntry("shipped", 3L)
        .containsEntry("rejected", 3L)
        .containsEntry("returns", 6L)
        .containsEntry("refunded", 3L)
        .containsEntry("refundsParked", 3L)
        .containsEntry("adjustments", 3L)
        .containsEntry("rejectedLines", 3L)
        .containsEntry("chargedTotal", "13.50")
        .containsEntry("refundedTotal", "9.00")
        .containsEntry("unitsShipped", 9L)
        .containsEntry("unitsRestocked", 9L)
        .containsEntry("unitsAdjusted", -12L);
    assertThat(expected.stockChange().get("A").longValueExact()).isEqualTo((-3 + 2 + 1 - 4) * 3);
  }

  @Test
  void readsQuotesAndLineBreaksByRfc4180() {
    Expectation expected =
        of("\"1\",A,\"a, \"\"b\"\"\r\nc\",2,t,\"1.10\",c,UK\r\n2,A,d,1,t,1,c", 1);
    assertThat(expected.figures())
        .containsEntry("chargedTotal", "2.20")
        .containsEntry("rejectedLines", 1L);
  }
}
