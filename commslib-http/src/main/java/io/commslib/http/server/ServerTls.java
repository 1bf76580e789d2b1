package io.commslib.http.server;

import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsParameters;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;

/** Sets up each connection of the JDK's server. Thread-safe. */
final class ServerTls extends HttpsConfigurator {

  private final ClientCertificate clients;

  ServerTls(SSLContext context, ClientCertificate clients) {
    super(context);
    this.clients = clients;
  }

  @Override
  public void configure(HttpsParameters connection) {
    SSLParameters parameters = getSSLContext().getDefaultSSLParameters();
    // Each of the two setters clears the other's value.
    switch (clients) {
      case NONE -> parameters.setNeedClientAuth(false);
      case OPTIONAL -> parameters.setWantClientAuth(true);
      case REQUIRED -> parameters.setNeedClientAuth(true);
    }
    connection.setSSLParameters(parameters);
  }
}
