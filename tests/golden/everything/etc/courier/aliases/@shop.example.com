returns@shop.example.com: orders@shop.example
team@shop.example.com: orders@shop.example, clara@shop.example, anna@example.org
feed@shop.example.com: |/usr/local/bin/feed --shop
