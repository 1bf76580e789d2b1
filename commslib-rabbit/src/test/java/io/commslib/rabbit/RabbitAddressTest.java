package io.commslib.rabbit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assertions.tuple;

import com.rabbitmq.client.Address;
import com.rabbitmq.client.ConnectionFactory;
import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RabbitAddressTest {

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      nullValues = "-",
      textBlock =
          """
          amqp://host                              | host        | 5672 | guest  | guest   | /
          amqp://host:                             | host        | 5672 | guest  | guest   | /
          amqps://host                             | host        | 5671 | guest  | guest   | /
          AMQP://svc:pw@host:1234/orders           | host        | 1234 | svc    | pw      | orders
          amqp://svc@host                          | host        | 5672 | svc    | guest   | /
          amqp://svc:@host                         | host        | 5672 | svc    | ''      | /
          amqp://a%3Ab:c%40d%2Fe%25@host/x%2Fy     | host        | 5672 | a:b    | c@d/e%  | x/y
          amqp://svc:p+w@host/a+b                  | host        | 5672 | svc    | p+w     | a+b
          amqp://svc:p%C3%A4ss%F0%9F%94%91@host    | host        | 5672 | svc    | päss🔑  | /
          amqp://svc:päss@host                     | host        | 5672 | svc    | päss    | /
          amqp://svc:pw@host/                      | host        | 5672 | svc    | pw      | ''
          amqp://svc:pw@host/%2F                   | host        | 5672 | svc    | pw      | /
          amqp://svc:pw@host/%2525                 | host        | 5672 | svc    | pw      | %25
          amqp://10.1.2.3:5673                     | 10.1.2.3    | 5673 | guest  | guest   | /
          amqp://svc:pw@[::1]:5673                 | [::1]       | 5673 | svc    | pw      | /
          amqp://svc:pw@my_rabbit:5673/%2F         | my_rabbit   | 5673 | svc    | pw      | /
          amqp://svc:pw@a:1,b_2,[::1]:3/v          | a           | 1    | svc    | pw      | v
          amqp://my-host.example.org               | my-host.example.org | 5672 | guest | guest | /
          """)
  void aUriDefinesAddressAndLogin(
      String uri, String host, int port, String user, String password, String virtualHost) {
    ConnectionFactory factory = new ConnectionFactory();
    RabbitAddress.of(uri).applyTo(factory, null);
    assertThat(factory.getHost()).isEqualTo(host);
    assertThat(factory.getPort()).isEqualTo(port);
    assertThat(factory.getUsername()).isEqualTo(user);
    assertThat(factory.getPassword()).isEqualTo(password);
    assertThat(factory.getVirtualHost()).isEqualTo(virtualHost);
    assertThat(factory.isSSL()).isEqualTo(uri.startsWith("amqps"));
    String text = RabbitTransportConfig.builder(uri).build().toString();
    assertThat(text).contains(host + ":" + port).doesNotContain("pw").doesNotContain("svc");
  }

  @Test
  void severalHostsKeepTheirOrderAndEachHasAPort() {
    RabbitAddress address = RabbitAddress.of("amqps://svc:pw@a:1,my_b,[2001:db8::1]/v");
    assertThat(address.hosts())
        .extracting(Address::getHost, Address::getPort)
        .containsExactly(tuple("a", 1), tuple("my_b", 5671), tuple("[2001:db8::1]", 5671));
    assertThat(address).hasToString("amqps://a:1,my_b:5671,[2001:db8::1]:5671");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          http://SECRETU:SECRETP@host              | uri:
          amqp:SECRETU:SECRETP@host                | uri:
          SECRETU:SECRETP@host                     | uri:
          SECRETU                                  | uri:
          amqp://SECRETU:SECRETP^ss@host:5672      | uri user:
          amqp://SECRETU:SECRETP%zz@host           | uri user:
          amqp://SECRETU:SECRETP ss@host           | uri user:
          amqp://SECRETU:SECRETP@host/a b          | uri vhost:
          amqp://SECRETU:SECRETP@                  | uri host:
          amqp:///vhost                            | uri host:
          amqp://SECRETU:SECRETP@my host:5672      | uri host:
          amqp://SECRETU:SECRETP@a:1,b:2,/         | uri host:
          amqp://SECRETU:SECRETP@,b/               | uri host:
          amqp://SECRETU:SECRETP@-b/               | uri host:
          amqp://SECRETU:SECRETP@[::1::2]          | uri host:
          amqp://SECRETU:SECRETP@[SECRET]          | uri host:
          amqp://SECRETU:SECRETP@::1               | uri host:
          amqp://SECRETU:SECRETP@a:1,b:99999       | uri port:
          amqp://SECRETU:SECRETP@ss@host           | uri user:
          amqp://SECRETU:SECRETP@b,SECRETU:p@host  | uri user:
          amqp://SECRETU:1234/SECRETP@host         | uri vhost:
          amqp://SECRETU:SECRETP/ss@host           | uri host:
          amqp://SECRETU:SECRETP@host:port         | uri host:
          amqp://SECRETU:SECRETP@host:99999        | uri port:
          amqp://SECRETU:SECRETP@host:0            | uri port:
          amqp://SECRETU:SEC:RETP@host             | uri user:
          amqp://:SECRETP@host                     | uri user:
          amqp://@host                             | uri user:
          amqp://SECRETU:SECRETP%FF@host           | uri password:
          amqp://SECRETU%FF:SECRETP@host           | uri user:
          amqp://SECRETU:SECRETP@host/%FF          | uri vhost:
          amqp://SECRETU:SECRETP@host/a/b          | uri vhost:
          amqp://SECRETU:SECRETP@host?heartbeat=3  | uri query:
          amqp://SECRETU:SECRETP@host/v?SECRETP    | uri query:
          amqp://SECRETU:SECRETP@host/v#SECRETP    | uri query:
          """)
  void anInvalidUriIsRefusedWithItsRuleAndNotShown(String uri, String part) {
    Throwable refusal = catchThrowable(() -> RabbitTransportConfig.builder(uri));
    assertThat(refusal)
        .isExactlyInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith(part + " (not shown) (expected: ")
        .hasNoCause();
    StringWriter all = new StringWriter();
    refusal.printStackTrace(new PrintWriter(all));
    assertThat(all.toString()).doesNotContain("SEC").doesNotContain("RETP");
  }
}
